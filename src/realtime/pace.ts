// How long deliveries rest between two turns. While events come faster than they can be told, whatever is told at once is
// told in many small writes; and those who write the events need the CPU more. Delivers nothing.

/** After so long without catching up, in ms, rests begin where they are needed. */
const BEHIND_MS = 250;
/** Between two looks at the machine, in ms. */
const LOOK_EVERY_MS = 250;
/** With less of its CPU time idle, others want it. */
const IDLE_MIN = 0.1;
/** A rest is at most so many times as long as the turn before it. */
const FACTOR_MAX = 12;
/** From here on downwards there is no rest. */
const FACTOR_MIN = 1;

/** Gives way at once when the machine has no CPU to spare, and comes back step by step when it has. */
export class Pace {
  readonly #idleShare: () => number;
  #behindSinceMs: number | undefined;
  #lookedMs = 0;
  #factor = 0;

  /** @param idleShare - Share of the machine's CPU time that was idle since the last call, 0 to 1. */
  constructor(idleShare: () => number) {
    this.#idleShare = idleShare;
  }

  /**
   * @param tookMs - What the last turn took.
   * @param isBehind - Whether more than one event waits for the same clients.
   * @returns the rest before the next turn, in ms; 0 for none.
   */
  restMs(tookMs: number, isBehind: boolean, nowMs: number): number {
    if (!isBehind) {
      this.#behindSinceMs = undefined;
      return 0;
    }
    if (this.#behindSinceMs === undefined) {
      [this.#behindSinceMs, this.#lookedMs, this.#factor] = [nowMs, nowMs, 0];
      this.#idleShare();
    } else if (nowMs - this.#lookedMs >= LOOK_EVERY_MS) this.#look(nowMs);
    return nowMs - this.#behindSinceMs < BEHIND_MS ? 0 : this.#factor * tookMs;
  }

  #look(nowMs: number): void {
    this.#lookedMs = nowMs;
    if (this.#idleShare() < IDLE_MIN) this.#factor = FACTOR_MAX;
    else this.#factor = this.#factor > FACTOR_MIN ? this.#factor / 2 : 0;
  }
}
