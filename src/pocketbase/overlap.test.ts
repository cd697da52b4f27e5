// Copies and equal events are told apart, also when one pair of streams runs into the next.
import { expect, test } from "bun:test";
import { Overlap } from "./overlap.ts";

const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];

test("what all streams tell is one event, and what one tells twice are two", () => {
  const overlap = new Overlap();
  const seen = [a, b, b, a, a].map((teller) => overlap.isFirst(teller, "t", '{"x":1,"y":2}'));
  expect(seen).toEqual([true, false, true, false, true]);
  expect(overlap.isFirst(b, "t", '{"y":2,"x":1}')).toBe(false);
  expect(overlap.isFirst(b, "u", '{"y":2,"x":1}')).toBe(true);
});

test("what a stream told that has ended is no reason to take a later event for a copy", () => {
  const overlap = new Overlap();
  // The second stream was not subscribed yet.
  expect(overlap.isFirst(a, "t", "same")).toBe(true);
  overlap.forget(a);
  expect([b, c].map((teller) => overlap.isFirst(teller, "t", "same"))).toEqual([true, false]);
});

test("an overlap is full at its bound, and has room again for what nobody who is left has told", () => {
  const overlap = new Overlap(10);
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
