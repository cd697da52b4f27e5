// The statistic by which two sets of times are told apart.
import { expect, test } from "bun:test";
import { mannWhitney } from "./mannWhitney.ts";

const series = (count: number, make: (at: number) => number): number[] =>
  Array.from({ length: count }, (_, at) => make(at));

test("equal samples are one, shifted ones are not, and the order of the two is nothing", () => {
  const base = series(60, (at) => (at * 37) % 61);
  expect(mannWhitney(base, base)).toBeCloseTo(1, 6);
  expect(
    mannWhitney(
      series(30, () => 250),
      series(30, () => 250),
    ),
  ).toBe(1);
  const shifted = base.map((value) => value + 30);
  expect(mannWhitney(base, shifted)).toBeLessThan(1e-6);
  expect(mannWhitney(base, shifted)).toBeCloseTo(mannWhitney(shifted, base), 12);
});

test("a case worked by hand: U is 3 of 25, its deviation 1.98", () => {
  // Ranks of the first: 1, 2, 3, 5, 7 = 18; U = 3; (12.5 - 3) / sqrt(25 / 12 * 11) = 1.985; p = 0.0472.
  expect(mannWhitney([1, 2, 3, 5, 7], [4, 6, 8, 9, 10])).toBeCloseTo(0.0472, 3);
});
