// Where sessions take time and randomness from, so that tests own both. Knows nothing of sessions.
import { randomBytes } from "node:crypto";
import { momentMs } from "../utils/moment.ts";

/** A wall clock and a monotonic one. */
export interface Clock {
  /** Unix time in ms; may be set forwards and backwards by the machine's keeper. */
  now(): number;
  /** Milliseconds that only ever grow; the zero point means nothing. */
  monotonic(): number;
}

/** Returns that many bytes from a cryptographic random source. */
export type RandomSource = (length: number) => Uint8Array;

/** The machine's clocks. */
export const systemClock: Clock = { now: () => Date.now(), monotonic: momentMs };

/** The machine's random source. */
export const systemRandom: RandomSource = (length) => randomBytes(length);

/** Unix times in ms for different questions, so that a stepped clock neither ends nor prolongs a session. */
export interface Times {
  /** The wall clock as it is: what is written into tokens. */
  wall(): number;
  /** The wall clock as it was when this process started, plus the time passed since: grace and overlaps. */
  steady(): number;
  /** The later of both: nothing outlives its end because the clock was set back. */
  latest(): number;
  /** The earlier of both: nobody becomes idle because the clock was set forward. */
  earliest(): number;
  monotonic(): number;
}

/** A difference below this is drift, not a step. */
const STEP_MS = 2_000;
/** How long a step must last until the new wall time is believed. */
const BELIEVE_AFTER_MS = 600_000;

/**
 * Wraps a clock. A step of the wall clock is ignored by `steady` for ten minutes and believed afterwards, so that
 * a machine that started with a wrong clock heals by itself.
 */
export const createTimes = (clock: Clock): Times => {
  let anchorMs = clock.now() - clock.monotonic();
  let steppedAtMs: number | undefined;

  const steady = (): number => {
    const monotonicMs = clock.monotonic();
    const driftMs = clock.now() - monotonicMs - anchorMs;
    if (Math.abs(driftMs) < STEP_MS) {
      // Slow drift is followed, so that it never adds up to a step.
      anchorMs += driftMs;
      steppedAtMs = undefined;
      return anchorMs + monotonicMs;
    }
    steppedAtMs ??= monotonicMs;
    if (monotonicMs - steppedAtMs >= BELIEVE_AFTER_MS) {
      anchorMs += driftMs;
      steppedAtMs = undefined;
    }
    return anchorMs + monotonicMs;
  };
  return {
    wall: () => clock.now(),
    steady,
    latest: () => Math.max(clock.now(), steady()),
    earliest: () => Math.min(clock.now(), steady()),
    monotonic: () => clock.monotonic(),
  };
};
