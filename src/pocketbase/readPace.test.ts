// When a stream is left alone for a moment, and for how long. The clock is played.
import { expect, test } from "bun:test";
import { ReadPace } from "./readPace.ts";

/** A stream's pace, and the clock it lives by. */
const startPace = () => {
  const state = { nowMs: 0, resumed: 0 };
  let due: { readonly atMs: number; readonly run: () => void } | undefined;
  const clock = {
    now: () => state.nowMs,
    after: (delayMs: number, run: () => void) => {
      due = { atMs: state.nowMs + delayMs, run };
      return () => undefined;
    },
  };
  const pace = new ReadPace(() => state.resumed++, clock);
  const pass = (ms: number): void => {
    state.nowMs += ms;
    if (due === undefined || due.atMs > state.nowMs) return;
    const { run } = due;
    due = undefined;
    run();
  };
  return { pace, state, pass };
};

test("ReadPace reads what comes up to 500 times a second as it comes", () => {
  const { pace, pass } = startPace();
  for (let piece = 0; piece < 1_000; piece++) {
    expect(pace.take(300)).toBe(true);
    pass(2.1);
  }
});

test("ReadPace reads a hundred times a second what comes 4,000 times, and nothing waits longer than 10 ms", () => {
  const { pace, state, pass } = startPace();
  let [waiting, reads] = [0, 0];
  let isReading = true;
  for (let quarter = 0; quarter < 4_000; quarter++) {
    waiting++;
    const { resumed } = state;
    pass(0.25);
    if (resumed !== state.resumed) isReading = true;
    if (!isReading) continue;
    reads++;
    expect(waiting).toBeLessThanOrEqual(40);
    // All that has come is taken in one go.
    for (; waiting > 0; waiting--) if (!pace.take(300)) isReading = false;
  }
  expect(state.resumed).toBeGreaterThan(80);
  expect(reads).toBeLessThan(120);
});

test("ReadPace takes the rest of a read that began before the rest, and asks for more only then", () => {
  const { pace, state, pass } = startPace();
  for (let piece = 0; piece < 8; piece++) pace.take(300);
  const taken = Array.from({ length: 16 }, () => pace.take(300));
  expect(taken.slice(-9)).toEqual(Array.from({ length: 9 }, () => false));
  expect(state.resumed).toBe(0);
  pass(10);
  expect([state.resumed, pace.take(300)]).toEqual([1, true]);
});

test("ReadPace never rests where what comes meanwhile may have no room", () => {
  const { pace } = startPace();
  for (let piece = 0; piece < 100; piece++) expect(pace.take(5_000)).toBe(true);
});
