// The arithmetic of the generic cell rate algorithm on whole ticks. Keeps no state and knows no keys.

/** Ticks of one millisecond. Times stay whole and exact (below 2^53) for four years of uptime. */
export const TICKS_PER_MS = 64_000;

/** A rate, ready to decide with. */
export interface Rate {
  /** What one unit costs, in ticks. */
  readonly unitTicks: number;
  /** What an idle key may spend at once, in ticks: a whole number of units. */
  readonly limitTicks: number;
}

/** A rate as its owner writes it. */
export interface WrittenRate {
  /** Units per window. */
  readonly unitsMax: number;
  readonly windowMs: number;
  /** Units at once; `unitsMax` when absent. */
  readonly burst?: number | undefined;
}

/**
 * Makes the rate of a rule. An interval that is no whole number of ticks is rounded up, so that what is allowed over
 * time is never more than was written, and less by a tick (1/64 us) a unit at most.
 */
export const toRate = ({ unitsMax, windowMs, burst = unitsMax }: WrittenRate): Rate => {
  const unitTicks = Math.max(1, Math.ceil((windowMs * TICKS_PER_MS) / unitsMax));
  return { unitTicks, limitTicks: unitTicks * burst };
};

/** A moment in ticks. @param ms - Monotonic milliseconds. */
export const toTicks = (ms: number): number => Math.floor(ms * TICKS_PER_MS);

/**
 * The theoretical arrival time of a key after spending `costTicks`; allowed when {@link waitTicks} of it is not above 0.
 * @param tat - The key's present one; 0 for a key nobody knows.
 */
export const nextTat = (tat: number, now: number, costTicks: number): number =>
  Math.max(tat, now) + costTicks;

/** How long to wait until `tat` may be reached; 0 or less: now. */
export const waitTicks = (tat: number, now: number, limitTicks: number): number => tat - limitTicks - now;
