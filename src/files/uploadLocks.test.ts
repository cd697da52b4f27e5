// One at a time, in whatever order they come; the one before is asked to stop once, and nobody waits for ever.
import { expect, test } from "bun:test";
import { UploadLocks } from "./uploadLocks.ts";

const NEVER = new AbortController().signal;
/** Longer than any of these tests takes. */
const LONG_MS = 600_000;

test("who comes next asks the one before once, and waits until it has stopped", async () => {
  const locks = new UploadLocks(LONG_MS);
  const told: string[] = [];
  const first = locks.newLock("a");
  await first.lock(NEVER, () => {
    told.push("first is asked");
  });
  const second = locks.newLock("a");
  const waiting = second.lock(NEVER, () => undefined).then(() => told.push("second has it"));
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual(["first is asked"]);
  await first.unlock();
  await waiting;
  expect(told).toEqual(["first is asked", "second has it"]);
});

test("of many who wait one has it at a time, and all have had it in the end", async () => {
  const locks = new UploadLocks(LONG_MS);
  let [inside, most, done] = [0, 0, 0];
  const use = async (): Promise<void> => {
    const lock = locks.newLock("a");
    await lock.lock(NEVER, () => undefined);
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
    done += 1;
    await lock.unlock();
  };
  await Promise.all(Array.from({ length: 10 }, use));
  expect([most, done]).toEqual([1, 10]);
});

test("other uploads have locks of their own", async () => {
  const locks = new UploadLocks(LONG_MS);
  await locks.newLock("a").lock(NEVER, () => undefined);
  await locks.newLock("b").lock(NEVER, () => undefined);
});

test("who has waited long enough, or whose request is over, is told that it is locked", async () => {
  const hasty = new UploadLocks(10);
  await hasty.newLock("a").lock(NEVER, () => undefined);
  const late = hasty.newLock("a").lock(NEVER, () => undefined);
  const patient = new UploadLocks(LONG_MS);
  await patient.newLock("a").lock(NEVER, () => undefined);
  const over = patient.newLock("a").lock(AbortSignal.abort(), () => undefined);
  for (const waited of await Promise.allSettled([late, over]))
    expect(waited).toMatchObject({ status: "rejected", reason: { status_code: 423 } });
});
