// Copies and equal events are told apart, also when one pair of streams runs into the next.
import { expect, test } from "bun:test";
import { Overlap } from "./overlap.ts";

const create = (eventsMax?: number, nowMs?: () => number): Overlap => {
  const overlap = new Overlap(eventsMax, nowMs);
  overlap.begin();
  return overlap;
};
const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];

test("what all streams tell is one event, and what one tells twice are two", () => {
  const overlap = create();
  const seen = [a, b, b, a, a].map((teller) => overlap.isFirst(teller, "t", '{"x":1,"y":2}'));
  expect(seen).toEqual([true, false, true, false, true]);
  expect(overlap.isFirst(b, "t", '{"y":2,"x":1}')).toBe(false);
  expect(overlap.isFirst(b, "u", '{"y":2,"x":1}')).toBe(true);
});

test("what a stream told that has ended is no reason to take a later event for a copy", () => {
  const overlap = create();
  // The second stream was not subscribed yet.
  expect(overlap.isFirst(a, "t", "same")).toBe(true);
  overlap.forget(a);
  expect([b, c].map((teller) => overlap.isFirst(teller, "t", "same"))).toEqual([true, false]);
});

test("an overlap is full at its bound, and has room again for what nobody who is left has told", () => {
  const overlap = create(10);
  for (let i = 0; i < 5; i++) for (const teller of [a, b]) overlap.isFirst(teller, "t", `both ${i}`);
  for (let i = 0; i < 4; i++) overlap.isFirst(a, "t", `one ${i}`);
  expect(overlap.isFull).toBe(false);
  overlap.isFirst(b, "t", "the last");
  expect(overlap.isFull).toBe(true);
  overlap.forget(a);
  expect(overlap.isFull).toBe(false);
  for (let i = 0; i < 3; i++) overlap.isFirst(c, "t", `new ${i}`);
  expect(overlap.isFull).toBe(false);
  // What the one that is left has told is still known.
  expect(overlap.isFirst(c, "t", "both 0")).toBe(false);
});

const event = (action: string, record: object): string =>
  JSON.stringify({ action, record: { id: "r1", ...record } });
const [EARLY, LATER] = ["2026-01-01 10:00:00.001Z", "2026-01-01 10:00:00.002Z"];

test.each([
  ["an update that says when it was", event("update", { updated: EARLY }), true],
  ["a creation that says when it was", event("create", { created: EARLY }), true],
  ["a deletion of what says when it was changed last", event("delete", { updated: EARLY }), true],
  ["an update of what says when it was made", event("update", { created: EARLY }), false],
  ["an update of what has a word there", event("update", { updated: "yes" }), false],
  ["what shows no dates", event("create", {}), false],
  ["an app's own message", "[]", false],
])("a late copy, of %s: taken for one after its stream has ended: %p", (_, data, isKnown) => {
  const overlap = create();
  expect(overlap.isFirst(a, "t", data)).toBe(true);
  overlap.forget(a);
  overlap.end();
  expect(overlap.isIdle).toBe(!isKnown);
  // On the stream that is left, and on the one that follows it.
  for (const teller of [b, c]) expect(overlap.isFirst(teller, "t", data)).toBe(!isKnown);
  expect(overlap.isFirst(b, "t", event("update", { updated: LATER }))).toBe(true);
});

test("late copies are known for a minute, and so many of them", () => {
  let nowMs = 0;
  const overlap = create(10, () => nowMs);
  const told = (n: number): string => event("update", { n, updated: EARLY });
  for (const teller of [a, b])
    for (let n = 0; n < 8; n++) overlap.isFirst(teller, "t", told(teller === a ? n : n + 8));
  overlap.forget(a);
  nowMs = 30_000;
  overlap.forget(b);
  const known = (): number[] =>
    Array.from({ length: 16 }, (_, n) => n).filter((n) => !overlap.isFirst(c, "t", told(n)));
  overlap.end();
  expect(known()).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  nowMs = 60_000;
  expect(known()).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  nowMs = 90_000;
  expect([known(), overlap.isIdle]).toEqual([[], true]);
});
