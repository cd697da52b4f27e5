// Places that come and go: counted one by one, and forgotten in time.
import { expect, test } from "bun:test";
import { Occupancy } from "./occupancy.ts";

test("places are counted by name; who holds none is nobody", () => {
  const places = new Occupancy();
  places.enter("a");
  places.enter("a");
  places.enter("b");
  expect([places.of("a"), places.of("b"), places.of("c"), places.size]).toEqual([2, 1, 0, 2]);
  places.leave("a");
  places.leave("b");
  expect([places.of("a"), places.of("b"), places.size]).toEqual([1, 0, 1]);
  places.leave("b");
  places.leave("never came");
  places.leave("a");
  expect([places.of("a"), places.of("b"), places.size]).toEqual([0, 0, 0]);
});

test("a flood of names that come and go leaves few of them in memory, and takes nobody's place", () => {
  const places = new Occupancy();
  places.enter("stays");
  for (let at = 0; at < 10_000; at++) {
    places.enter(`name ${at}`);
    places.leave(`name ${at}`);
    expect(places.remembered).toBeLessThan(80);
  }
  expect([places.of("stays"), places.size]).toEqual([1, 1]);
});
