// Bounded waiting for the tests: polls a condition instead of sleeping for a guessed time. The deadlines count the time
// that this process had (ownTime.ts).
import { startOwnClock } from "./ownTime.ts";

const PAUSE_MS = 10;

/**
 * Calls `attempt` until it neither throws nor returns `undefined` or `false`, and returns its value.
 * Throws after `deadlineMs` with the last failure as cause.
 */
export const eventually = async <T>(
  attempt: () => T | Promise<T>,
  deadlineMs: number,
): Promise<Exclude<T, undefined | false>> => {
  using clock = startOwnClock();
  let last: unknown = "the condition never held";
  for (;;) {
    try {
      const value = await attempt();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
    } catch (error) {
      last = error;
    }
    if (clock.ms() > deadlineMs)
      throw new Error(`not reached within ${deadlineMs} ms: ${last}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
};

/** Settles as `promise` does, or rejects after `deadlineMs` with a sentence naming `what`. */
export const within = async <T>(promise: Promise<T>, deadlineMs: number, what: string): Promise<T> => {
  let isSettled = false;
  const late = eventually(() => isSettled, deadlineMs).then(
    () => promise,
    () => Promise.reject(new Error(`${what}: nothing within ${deadlineMs} ms`)),
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    isSettled = true;
  }
};
