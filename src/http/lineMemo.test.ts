// Reads a line once, keeps no secret, and has a bound.
import { expect, test } from "bun:test";
import { LineMemo } from "./lineMemo.ts";

const counting = () => {
  const reads: string[] = [];
  const memo = new LineMemo<string>({
    read: (line) => {
      reads.push(line);
      return line === "bad" ? undefined : line.toUpperCase();
    },
    mayStay: (meaning) => meaning !== "SECRET",
  });
  return { memo, reads };
};

test("a line is read once, and again when it is invalid, secret or long", () => {
  const { memo, reads } = counting();
  const long = "l".repeat(129);
  for (const line of ["a", "a", "bad", "bad", "secret", "secret", long, long]) {
    expect(memo.of(line)).toBe(line === "bad" ? undefined : line.toUpperCase());
  }
  expect(reads).toEqual(["a", "bad", "bad", "secret", "secret", long, long]);
});

test("latin1 lines are understood as they are", () => {
  const { memo } = counting();
  expect([memo.of("\xe0\xff"), memo.of("\xe0\xff")]).toEqual([
    "\xe0\xff".toUpperCase(),
    "\xe0\xff".toUpperCase(),
  ]);
});

test("a peer that never repeats itself makes it forget, not grow", () => {
  const { memo, reads } = counting();
  memo.of("a");
  for (let i = 0; i < 512; i++) memo.of(String(i));
  memo.of("a");
  expect(reads.filter((line) => line === "a")).toHaveLength(2);
});
