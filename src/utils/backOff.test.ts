import { expect, test } from "bun:test";
import { BackOff } from "./backOff.ts";

const options = { freeMax: 3, firstMs: 1_000, longestMs: 8_000, forgetMs: 60_000, namesMax: 4 };

test("the first failures are free, then the wait doubles up to its bound", () => {
  let nowMs = 0;
  const backOff = new BackOff({ ...options, now: () => nowMs });
  const waits: number[] = [];
  for (let at = 0; at < 8; at++) {
    backOff.fail("a");
    waits.push(backOff.waitMs("a"));
  }
  expect(waits).toEqual([0, 0, 0, 1_000, 2_000, 4_000, 8_000, 8_000]);
  nowMs = 5_000;
  expect([backOff.waitMs("a"), backOff.waitMs("b")]).toEqual([3_000, 0]);
});

test("a long quiet starts anew", () => {
  let nowMs = 0;
  const backOff = new BackOff({ ...options, now: () => nowMs });
  for (let at = 0; at < 5; at++) backOff.fail("a");
  nowMs += 60_001;
  backOff.fail("a");
  expect(backOff.waitMs("a")).toBe(0);
});

test("remembers a bounded number of names, the latest ones", () => {
  const backOff = new BackOff({ ...options, now: () => 0 });
  for (const name of ["a", "b", "c", "d", "e"]) for (let at = 0; at < 4; at++) backOff.fail(name);
  expect(["a", "b", "e"].map((name) => backOff.waitMs(name))).toEqual([0, 1_000, 1_000]);
});
