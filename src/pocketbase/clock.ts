// Time as a value, so that tests own it. Holds no timers of its own.
import { momentMs } from "../utils/moment.ts";

/** A source of time and timers. */
export type Clock = {
  /** Milliseconds that only ever grow; not the time of day. */
  now(): number;
  /** Runs `run` once after `delayMs`; the returned function calls it off. */
  after(delayMs: number, run: () => void): () => void;
};

/** The machine's clock. */
export const systemClock: Clock = {
  now: momentMs,
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Waits `delayMs`, or less when `signal` fires, which alone ends it when there is no `delayMs`; never rejects. */
export function pause(clock: Clock, delayMs: number | undefined, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      callOff?.();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const callOff = delayMs === undefined ? undefined : clock.after(delayMs, finish);
    signal?.addEventListener("abort", finish, { once: true });
  });
}
