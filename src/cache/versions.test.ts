// Leases: what breaks one, and that none is given while a write is under way.
import { expect, test } from "bun:test";
import { Versions } from "./versions.ts";

test("a lease holds until something it names moves", () => {
  const versions = new Versions();
  const lease = versions.lease(["a", "b"]);
  versions.move(["c"], "x");
  expect(lease?.holds()).toBe(true);
  versions.move(["b"], "x");
  expect(lease?.holds()).toBe(false);
  expect(lease?.broken()?.name).toBe("b");
});

test("what moves everything breaks every lease", () => {
  const versions = new Versions();
  const lease = versions.lease([]);
  versions.move(["*"], "x");
  expect(lease?.holds()).toBe(false);
});

test("CA4 while a write is under way no lease is given and none holds; a refused write changes nothing", () => {
  const versions = new Versions();
  const early = versions.lease(["a"]);
  const end = versions.begin(["a", "a"], "x");
  expect(versions.lease(["a"])).toBeUndefined();
  expect(early?.holds()).toBe(false);
  end("refused");
  expect(early?.holds()).toBe(true);
  const second = versions.begin(["a"], "x");
  second("done");
  second("done");
  expect(early?.holds()).toBe(false);
  expect(versions.lease(["a"])?.holds()).toBe(true);
});

test("forgotten names break their leases, and those that are being written stay", () => {
  const versions = new Versions({ namesMax: 10 });
  const end = versions.begin(["written"], "x");
  const leases = Array.from({ length: 50 }, (_, i) => versions.lease([`n${i}`]));
  expect(leases[0]?.holds()).toBe(false);
  expect(leases[49]?.holds()).toBe(true);
  expect(versions.lease(["written"])).toBeUndefined();
  end("done");
});
