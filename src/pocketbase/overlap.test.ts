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
