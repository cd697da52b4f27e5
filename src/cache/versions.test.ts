// Leases: what breaks one.
import { expect, test } from "bun:test";
import { Versions } from "./versions.ts";

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
