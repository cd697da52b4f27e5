// How long deliveries rest between two turns. While events come faster than they can be told, whatever is told at once is
// told in many small writes; and those who write the events need the CPU more. Delivers nothing.

/** What waits for clients that are told something else just now. */
export interface Backlog {
  /** Since when the oldest of it waits, or what they are told just now. */
  readonly sinceMs: number;
  /** Whether it is more than a burst: several pieces for each client. */
  readonly isFlood: boolean;
}

/** After so long without catching up, in ms, rests begin where they are needed: after a burst, and in a flood. */
const [BURST_MS, FLOOD_MS] = [250, 50];
/** Between two looks at the machine, in ms. */
const LOOK_EVERY_MS = 250;
/** With less of its CPU time idle, others want it: who writes to PocketBase feels a CPU that is nearly busy, too. */
const IDLE_MIN = 0.25;
/** A rest is at most so many times as long as the turn before it. */
const FACTOR_MAX = 24;
/** From here on downwards there is no rest. */
const FACTOR_MIN = 1;
/** When something has waited for so long, in ms, rests are half as long: it is not to wait until it counts as lost. */
const LATE_MS = 4_000;

/** Gives way at once when the machine has little CPU to spare, and comes back step by step when it has. */
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
   * @param backlog - Undefined when nothing waits but what is told just now.
   * @returns the rest before the next turn, in ms; 0 for none.
   */
  restMs(tookMs: number, backlog: Backlog | undefined, nowMs: number): number {
    if (backlog === undefined) {
      this.#behindSinceMs = undefined;
      return 0;
    }
    if (this.#behindSinceMs === undefined) {
      [this.#behindSinceMs, this.#lookedMs, this.#factor] = [nowMs, nowMs, 0];
      this.#idleShare();
    }
    const graceMs = backlog.isFlood ? FLOOD_MS : BURST_MS;
    if (nowMs - this.#behindSinceMs < graceMs) return 0;
    if (nowMs - this.#lookedMs >= (this.#factor === 0 ? graceMs : LOOK_EVERY_MS)) this.#look(nowMs);
    const isLate = nowMs - backlog.sinceMs >= LATE_MS;
    return (isLate ? this.#factor / 2 : this.#factor) * tookMs;
  }

  #look(nowMs: number): void {
    this.#lookedMs = nowMs;
    if (this.#idleShare() < IDLE_MIN) this.#factor = FACTOR_MAX;
    else this.#factor = this.#factor > FACTOR_MIN ? this.#factor / 2 : 0;
  }
}
