// A long delivery gives way: others, and the event loop, have their turns meanwhile.
import { expect, test } from "bun:test";
import { type Delivery, Turns } from "./turns.ts";

/** Needs `steps` times half a millisecond. */
const createDelivery = (name: string, steps: number, done: string[]): Delivery => ({
  go: (untilMs) => {
    while (steps > 0) {
      const startMs = performance.now();
      while (performance.now() - startMs < 0.5);
      if (--steps > 0 && performance.now() >= untilMs) return false;
    }
    done.push(name);
    return true;
  },
});

test("Turns does what is short at once", () => {
  const done: string[] = [];
  new Turns().add(createDelivery("short", 1, done));
  expect(done).toEqual(["short"]);
});

test("Turns lets short deliveries and the event loop pass long ones", async () => {
  const done: string[] = [];
  const turns = new Turns();
  const { promise, resolve } = Promise.withResolvers<void>();
  turns.add(createDelivery("long", 400, done));
  for (const name of ["one", "two"]) turns.add(createDelivery(name, 1, done));
  setTimeout(() => done.push("timer"), 1);
  turns.add({
    go: () => {
      if (done.includes("long")) resolve();
      return done.includes("long");
    },
  });
  await promise;
  expect(done.toSorted()).toEqual(["long", "one", "timer", "two"]);
  expect(done.at(-1)).toBe("long");
});

test("Turns forgets what is dropped", async () => {
  const done: string[] = [];
  const turns = new Turns();
  const long = createDelivery("long", 40, done);
  turns.add(long);
  turns.drop(long);
  await Bun.sleep(30);
  expect(done).toEqual([]);
});

test("Turns leaves half of the time to others when there is no end to it", async () => {
  const turns = new Turns();
  let [shares, isOver] = [0, false];
  turns.add({
    go: (untilMs) => {
      shares++;
      while (performance.now() < untilMs);
      return isOver;
    },
  });
  await Bun.sleep(1_100);
  const [before, from] = [shares, performance.now()];
  await Bun.sleep(400);
  isOver = true;
  // Shares of 1 ms, four in a turn, a turn each 8 ms at most: timers are never early.
  expect(shares - before).toBeLessThanOrEqual(4 * Math.ceil((performance.now() - from) / 8) + 4);
  expect(shares - before).toBeGreaterThan(4);
});
