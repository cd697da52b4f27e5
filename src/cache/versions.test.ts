// Leases: what breaks one.
import { expect, test } from "bun:test";
import { type Lease, Versions } from "./versions.ts";

test("a lease holds until something it names moves", () => {
  const versions = new Versions();
  const lease = versions.lease(["a", "b"]);
  versions.move(["c"], "x");
  expect(lease.holds()).toBe(true);
  versions.move(["b"], "x");
  expect(lease.holds()).toBe(false);
  expect(lease.broken()?.name).toBe("b");
});

test("what moves everything breaks every lease", () => {
  const versions = new Versions();
  const lease = versions.lease([]);
  versions.move(["*"], "x");
  expect(lease.holds()).toBe(false);
});

test("forgotten names break their leases", () => {
  const versions = new Versions({ namesMax: 10 });
  const leases = Array.from({ length: 50 }, (_, i) => versions.lease([`n${i}`]));
  expect(leases[0]?.holds()).toBe(false);
  expect(leases[49]?.holds()).toBe(true);
});

test("what is wanted is forgotten last, and its names are bounded all the same", () => {
  const held: Lease[] = [];
  const versions = new Versions({ namesMax: 10, wanted: () => held });
  held.push(versions.lease(["wide", "own"]));
  for (let i = 0; i < 50; i++) versions.lease(["wide", `n${i}`]);
  expect(held[0]?.holds()).toBe(true);
  for (let i = 0; i < 50; i++) held.push(versions.lease([`held ${i}`]));
  expect(held.filter((lease) => lease.holds()).length).toBeLessThanOrEqual(10);
  expect(held.at(-1)?.holds()).toBe(true);
});
