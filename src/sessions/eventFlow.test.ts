import { expect, test } from "bun:test";
import { EventFlow } from "./eventFlow.ts";
import type { SessionEvent } from "./eventRow.ts";

const build = () => {
  const stored: SessionEvent[] = [];
  const warnings: string[] = [];
  let nowMs = 0;
  let isBroken = false;
  const flow = new EventFlow({
    record: (event) => {
      stored.push(event);
      return isBroken ? Promise.reject(new Error("disk")) : Promise.resolve();
    },
    warn: (message) => warnings.push(message),
    monotonic: () => nowMs,
  });
  return {
    flow,
    stored,
    warnings,
    pass: (ms: number) => {
      nowMs += ms;
    },
    breakStore: () => {
      isBroken = true;
    },
  };
};

test("a flood of one kind becomes a few rows and one that counts the rest; other kinds are not concerned", () => {
  const { flow, stored } = build();
  for (let at = 0; at < 10_000; at++) flow.note({ type: "authn_fail" });
  expect(stored).toHaveLength(30);
  flow.note({ type: "authz_fail" });
  expect(stored).toHaveLength(31);
  flow.flush();
  expect(stored.slice(31)).toEqual([{ type: "authn_fail", detail: "9970 more, not recorded one by one" }]);
  flow.flush();
  expect(stored).toHaveLength(32);
});

test("a lasting flood is held to one row a second", () => {
  const { flow, stored, pass } = build();
  for (let at = 0; at < 3_600; at++) {
    for (let i = 0; i < 5; i++) flow.note({ type: "authn_fail" });
    pass(1_000);
  }
  expect(stored.length).toBeLessThanOrEqual(30 + 3_600);
});

test("a store that fails is warned about and stops nobody; after the end nothing is recorded", async () => {
  const { flow, stored, warnings, breakStore } = build();
  breakStore();
  flow.note({ type: "authn_fail" });
  await Promise.resolve();
  expect(warnings).toEqual(["An event was not stored: Error: disk"]);
  for (let at = 0; at < 40; at++) flow.note({ type: "authn_fail" });
  flow.close();
  flow.note({ type: "authz_fail" });
  expect(stored.at(-1)).toEqual({ type: "authn_fail", detail: "11 more, not recorded one by one" });
});
