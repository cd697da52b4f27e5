// A long delivery gives way: others, the event loop, and the machine have their turns meanwhile. The clock is played.
import { expect, test } from "bun:test";
import { type Delivery, Turns } from "./turns.ts";

/** A clock that only deliveries and rests move, and how much of the machine is idle. */
const startClock = () => {
  let nowMs = 0;
  const due: { readonly atMs: number; readonly work: () => void }[] = [];
  const state = { idle: 1, rests: [] as number[] };
  const turns = new Turns({
    nowMs: () => nowMs,
    later: (ms, work) => {
      if (ms > 0) state.rests.push(ms);
      due.push({ atMs: nowMs + ms, work });
    },
    idleShare: () => state.idle,
  });
  const take = (ms: number): void => {
    nowMs += ms;
  };
  const now = (): number => nowMs;
  /** One turn of the event loop. @returns whether there was one. */
  const step = (): boolean => {
    due.sort((one, two) => one.atMs - two.atMs);
    const next = due.shift();
    nowMs = Math.max(nowMs, next?.atMs ?? 0);
    next?.work();
    return next !== undefined;
  };
  return { turns, state, take, now, step };
};

type Clock = ReturnType<typeof startClock>;

/** Needs `steps` times half a millisecond. */
const createDelivery = (
  { take, now }: Clock,
  { name, steps, done }: { name: string; steps: number; done: string[] },
): Delivery => ({
  backlog: undefined,
  go: (untilMs) => {
    while (steps > 0) {
      take(0.5);
      if (--steps > 0 && now() >= untilMs) return false;
    }
    done.push(name);
    return true;
  },
});

/** Takes all the time it is given, while something else waits since `sinceMs`. */
const startFlood = ({ turns, take, now }: Clock, { isFlood = false, sinceMs = () => now() } = {}) => {
  const flood = { isBehind: true, isOver: false, tookMs: 0 };
  turns.add({
    get backlog() {
      return flood.isBehind ? { sinceMs: sinceMs(), isFlood } : undefined;
    },
    go: (untilMs) => {
      flood.tookMs += untilMs - now();
      take(untilMs - now());
      return flood.isOver;
    },
  });
  return flood;
};

/** Lets turns pass for so long. */
const pass = (clock: Clock, ms: number): void => {
  const untilMs = clock.now() + ms;
  while (clock.now() < untilMs && clock.step());
};

test("Turns does what is short at once", () => {
  const [clock, done]: [Clock, string[]] = [startClock(), []];
  clock.turns.add(createDelivery(clock, { name: "short", steps: 1, done }));
  expect(done).toEqual(["short"]);
});

test("Turns lets short deliveries and the event loop pass long ones", () => {
  const [clock, done]: [Clock, string[]] = [startClock(), []];
  clock.turns.add(createDelivery(clock, { name: "long", steps: 400, done }));
  for (const name of ["one", "two"]) clock.turns.add(createDelivery(clock, { name, steps: 1, done }));
  expect([done, clock.now()]).toEqual([[], 4]);
  for (let turn = 0; turn < 2; turn++) clock.step();
  expect(done).toEqual(["one", "two"]);
  let turns = 0;
  while (clock.step()) turns++;
  expect([done, clock.now()]).toEqual([["one", "two", "long"], 201]);
  expect(turns).toBeGreaterThan(40);
  expect(clock.state.rests).toEqual([]);
});

test("Turns forgets what is dropped", () => {
  const [clock, done]: [Clock, string[]] = [startClock(), []];
  const long = createDelivery(clock, { name: "long", steps: 40, done });
  clock.turns.add(long);
  clock.turns.drop(long);
  while (clock.step());
  expect(done).toEqual([]);
});

test("Turns leaves most of a busy machine to others while events come faster than they can be told", () => {
  const clock = startClock();
  clock.state.idle = 0.24;
  const flood = startFlood(clock);
  pass(clock, 250);
  // A burst is nothing to give way to.
  expect(clock.state.rests).toEqual([]);
  const before = flood.tookMs;
  pass(clock, 10_000);
  expect(flood.tookMs - before).toBeLessThan(10_000 / 24);
  expect(flood.tookMs - before).toBeGreaterThan(10_000 / 26);
  expect(Math.max(...clock.state.rests)).toBeLessThanOrEqual(24 * 4);
});

test("Turns gives way to a flood sooner than to a burst", () => {
  const clock = startClock();
  clock.state.idle = 0.05;
  startFlood(clock, { isFlood: true });
  pass(clock, 50);
  expect(clock.state.rests).toEqual([]);
  while (clock.state.rests.length === 0) clock.step();
  expect([clock.state.rests, clock.now() < 70]).toEqual([[96], true]);
});

test("Turns rests half as long once something has waited for four seconds", () => {
  const clock = startClock();
  clock.state.idle = 0;
  startFlood(clock, { isFlood: true, sinceMs: () => 0 });
  pass(clock, 3_800);
  expect(clock.state.rests.at(-1)).toBe(96);
  pass(clock, 400);
  expect(clock.state.rests.at(-1)).toBe(48);
});

test("Turns takes the time that nobody else needs, and gives it back at once", () => {
  const clock = startClock();
  clock.state.idle = 0.26;
  const flood = startFlood(clock);
  pass(clock, 2_000);
  expect(clock.state.rests).toEqual([]);
  clock.state.idle = 0;
  pass(clock, 500);
  expect(clock.state.rests.at(-1)).toBe(96);
  clock.state.idle = 0.5;
  pass(clock, 2_000);
  const rests = clock.state.rests.length;
  pass(clock, 500);
  expect(clock.state.rests.length).toBe(rests);
  expect([...new Set(clock.state.rests)]).toEqual([96, 48, 24, 12, 6, 3]);
  expect(flood.isOver).toBe(false);
});

test("Turns rests for no single event, however long it takes, and not after catching up", () => {
  const clock = startClock();
  clock.state.idle = 0;
  const flood = startFlood(clock);
  flood.isBehind = false;
  pass(clock, 5_000);
  expect(clock.state.rests).toEqual([]);
  flood.isBehind = true;
  pass(clock, 1_000);
  expect(clock.state.rests.length).toBeGreaterThan(0);
  flood.isBehind = false;
  pass(clock, 100);
  const rests = clock.state.rests.length;
  pass(clock, 1_000);
  expect(clock.state.rests.length).toBe(rests);
});
