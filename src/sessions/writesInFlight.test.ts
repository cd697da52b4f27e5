import { expect, test } from "bun:test";
import { WritesInFlight } from "./writesInFlight.ts";

const owner = (id: string, cid = "users", uid = `u-${id}`) => ({ id, cid, uid });
const ended = (ids: string[], cid?: string, uid?: string) => ({ ids, cid, uid, reason: "test" });

test("cuts what is under way for the sessions that end, and nothing else", () => {
  const writes = new WritesInFlight();
  const cut: string[] = [];
  const begin = (name: string, of = owner(name)) => writes.begin(of, () => cut.push(name));
  const done = ["a", "a", "b", "c"].map((name) => begin(name));
  begin("d", owner("d", "admins"));
  done[0]?.();
  expect(writes.end(ended(["a", "x"]))).toBe(1);
  expect(writes.end(ended([], "users", "u-b"))).toBe(1);
  expect(writes.end(ended([], "users"))).toBe(3);
  expect(writes.end(ended([]))).toBe(4);
  expect(cut).toEqual(["a", "b", "a", "b", "c", "a", "b", "c", "d"]);
});

test("forgets what is done", () => {
  const writes = new WritesInFlight();
  const [first, second] = [
    writes.begin(owner("a"), () => undefined),
    writes.begin(owner("a"), () => undefined),
  ];
  first();
  first();
  expect(writes.size).toBe(1);
  second();
  expect(writes.size).toBe(0);
  first();
  expect(writes.size).toBe(0);
});
