// Writes under way: what they move, and how long answers wait for them.
import { expect, test } from "bun:test";
import { WritesUnderway } from "./underway.ts";
import { Versions } from "./versions.ts";

const create = () => {
  const clock = { nowMs: 0 };
  const versions = new Versions();
  return {
    clock,
    versions,
    underway: new WritesUnderway(
      (...moved) => versions.move(...moved),
      () => clock.nowMs,
    ),
  };
};

test("a write moves what it may have changed when it ends, once, unless it was refused", () => {
  const { underway, versions } = create();
  const lease = versions.lease(["a"]);
  const refused = underway.begin(["a"], ["a"], "x");
  refused.whole();
  expect(lease.holds()).toBe(true);
  refused.end("refused");
  refused.end("done");
  expect(lease.holds()).toBe(true);
  underway.begin(["a"], ["a"], "x").end("done");
  expect(lease.holds()).toBe(false);
  expect(underway.size).toBe(0);
});

test("CA4 an answer waits for the whole writes that may show in it, and for no others", async () => {
  const { underway } = create();
  const write = underway.begin(["a"], ["a"], "x");
  expect(underway.settled(["a"])).toBeUndefined();
  write.whole();
  expect(underway.settled(["b"])).toBeUndefined();
  let isSettled = false;
  const settled = underway.settled(["b", "a"])?.then(() => {
    isSettled = true;
  });
  await Promise.resolve();
  expect(isSettled).toBe(false);
  write.end("done");
  await settled;
  expect(underway.settled(["a"])).toBeUndefined();
});

test("nobody waits for a write that is slow, or of unknown extent", async () => {
  const { clock, underway } = create();
  underway.begin(["*"], [], "x").whole();
  expect(underway.settled(["a", "*"])).toBeUndefined();
  underway.begin(["a"], ["a"], "x").whole();
  clock.nowMs = 90;
  // Settles although the write never ends.
  await underway.settled(["a"]);
  clock.nowMs = 100;
  expect(underway.settled(["a"])).toBeUndefined();
});

test("of one write a bounded number of names is kept, and none of those that are over", () => {
  const { underway } = create();
  const names = Array.from({ length: 1_000 }, (_, i) => `n${i}`);
  const large = underway.begin(names, names, "x");
  large.whole();
  expect(underway.size).toBe(0);
  const writes = Array.from({ length: 200 }, (_, i) => underway.begin([`n${i}`], [`n${i}`], "x"));
  for (const write of writes) write.whole();
  expect(underway.size).toBe(200);
  for (const write of writes) write.end("refused");
  expect(underway.size).toBe(0);
});
