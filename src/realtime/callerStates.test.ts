import { expect, test } from "bun:test";
import { CALLER_LATE_MS, CallerStates } from "./callerStates.ts";

const rolesAt = (states: CallerStates, nowMs: number): unknown[] =>
  states.at(nowMs).map((record) => record["role"]);

test("what was read is all that counts, until a change is heard of", () => {
  const states = new CallerStates();
  expect(rolesAt(states, 0)).toEqual([]);
  states.read({ role: "reader" }, 0, 1);
  expect(rolesAt(states, 1_000)).toEqual(["reader"]);
  states.hear({ role: "writer" }, 1_000);
  expect(rolesAt(states, 60_000)).toEqual(["reader", "writer"]);
});

test("what PocketBase does not say any more counts a while longer, and then not", () => {
  const states = new CallerStates();
  states.read({ role: "reader" }, 0, 0);
  states.hear({ role: "writer" }, 1_000);
  states.read({ role: "writer" }, 1_001, 1_003);
  expect(rolesAt(states, 1_003 + CALLER_LATE_MS)).toEqual(["reader", "writer"]);
  expect(rolesAt(states, 1_004 + CALLER_LATE_MS)).toEqual(["writer"]);
});

test("a change that is heard of while PocketBase is asked is not over with its answer", () => {
  const states = new CallerStates();
  states.read({ role: "reader" }, 0, 0);
  states.hear({ role: "writer" }, 1_002);
  states.read({ role: "reader" }, 1_001, 1_003);
  expect(rolesAt(states, 60_000)).toEqual(["reader", "writer"]);
  states.read({ role: "writer" }, 60_001, 60_002);
  expect(rolesAt(states, 120_000)).toEqual(["writer"]);
});

test("a record that is gone is nothing; changes without end are forgotten", () => {
  const states = new CallerStates();
  states.read({ role: "reader" }, 0, 0);
  states.read(undefined, 1, 2);
  expect(rolesAt(states, 1_000)).toEqual([]);
  for (let n = 0; n < 1_000; n++) states.hear({ role: `${n}` }, n);
  expect(rolesAt(states, 2_000).length).toBe(16);
  expect(rolesAt(states, 2_000).at(-1)).toBe("999");
});
