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
  const waiting = underway.settled(["b", "a"]);
  expect(waiting).toBeInstanceOf(Promise);
  const settled = waiting?.then(() => {
    isSettled = true;
  });
  await Promise.resolve();
  expect(isSettled).toBe(false);
  write.end("done");
  await settled;
  expect(underway.settled(["a"])).toBeUndefined();
});

test("a write that is slow counts for whoever may have seen it, and one of unknown extent at its end alone", async () => {
  const { clock, underway, versions } = create();
  underway.begin(["*"], [], "x").whole();
  expect(underway.settled(["a", "*"])).toBeUndefined();
  const slow = underway.begin(["a1"], ["a"], "x");
  slow.whole();
  clock.nowMs = 90;
  const seenInTime = versions.lease(["a1"]);
  // Settles although the write has not ended.
  await underway.settled(["a"]);
  expect(seenInTime.holds()).toBe(false);
  clock.nowMs = 100;
  const seenLate = versions.lease(["a1"]);
  expect(underway.settled(["b"])).toBeUndefined();
  expect(seenLate.holds()).toBe(true);
  expect(underway.settled(["a"])).toBeUndefined();
  expect(seenLate.holds()).toBe(false);
  const afterwards = versions.lease(["a1"]);
  slow.end("refused");
  expect(underway.settled(["a"])).toBeUndefined();
  expect(afterwards.holds()).toBe(true);
});

test("an answer that may be made from anything waits for every write", async () => {
  const { clock, underway, versions } = create();
  const lease = versions.lease(["a1", "b1"]);
  const writes = ["a", "b"].map((name) => underway.begin([`${name}1`], [name], "x"));
  for (const write of writes) write.whole();
  clock.nowMs = 90;
  const settled = underway.settled();
  writes[0]?.end("refused");
  await settled;
  expect(lease.dependencies.map(({ version }) => version)).toEqual([0, 0, 0, 1]);
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
