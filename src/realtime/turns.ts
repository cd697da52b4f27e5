// Lets deliveries to many clients take turns, so that an event for ten thousand of them does not hold up everything
// else. Knows neither events nor clients.
import { createIdleShare } from "../utils/idleShare.ts";
import { type Backlog, Pace } from "./pace.ts";

/** Something to tell many clients. */
export interface Delivery {
  /** Goes on until all is told or until `untilMs`; makes some way in any case. @returns whether all is told. */
  go(untilMs: number): boolean;
  /** What else waits for the same clients; undefined when nothing does. */
  readonly backlog: Backlog | undefined;
}

/** The clock and the machine; a test may play them. */
export interface Surroundings {
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Calls back after so many ms; for 0 in the next turn of the event loop. */
  readonly later: (ms: number, work: () => void) => void;
  /** Share of the machine's CPU time that was idle since the last call, 0 to 1. */
  readonly idleShare: () => number;
}

/** What deliveries may take of one turn of the event loop, in ms. */
const SLICE_MS = 4;
/** What one of several deliveries takes before the next one's turn, in ms. */
const SHARE_MS = 1;

const HERE: Omit<Surroundings, "idleShare"> = {
  nowMs: () => performance.now(),
  later: (ms, work) => {
    if (ms === 0) setImmediate(work);
    else setTimeout(work, ms);
  },
};

/** Short deliveries happen at once; what is left of long ones follows in small shares, first come first served. */
export class Turns {
  readonly nowMs: () => number;
  readonly #later: Surroundings["later"];
  readonly #pace: Pace;
  readonly #waiting = new Set<Delivery>();
  /** What this turn has left, in ms; undefined before the first delivery in it. */
  #leftMs: number | undefined;
  /** Of the deliveries that are behind, the worst of each. */
  #backlog: Backlog | undefined;

  constructor({ nowMs, later, idleShare }: Surroundings = { ...HERE, idleShare: createIdleShare() }) {
    this.nowMs = nowMs;
    this.#later = later;
    this.#pace = new Pace(idleShare);
  }

  /** Starts a delivery, or has it wait for its turn. One that waits already takes up what is new by itself. */
  add(delivery: Delivery): void {
    if (this.#leftMs === undefined) {
      this.#leftMs = SLICE_MS;
      this.#later(0, () => this.#next());
    }
    if (this.#waiting.size > 0 || !this.#advance(delivery, SLICE_MS)) this.#waiting.add(delivery);
  }

  /** Takes a delivery out. */
  drop(delivery: Delivery): void {
    this.#waiting.delete(delivery);
  }

  #next(): void {
    this.#leftMs = undefined;
    if (this.#waiting.size === 0) return;
    const startMs = this.nowMs();
    this.#leftMs = SLICE_MS;
    this.#backlog = undefined;
    // A set gives back what is added again behind all others.
    for (const delivery of this.#waiting) {
      this.#waiting.delete(delivery);
      if (!this.#advance(delivery, SHARE_MS)) this.#waiting.add(delivery);
      if (this.#leftMs <= 0) break;
    }
    const nowMs = this.nowMs();
    this.#later(this.#pace.restMs(nowMs - startMs, this.#backlog, nowMs), () => this.#next());
  }

  #advance(delivery: Delivery, shareMs: number): boolean {
    const leftMs = this.#leftMs ?? 0;
    if (leftMs <= 0) return false;
    const startMs = this.nowMs();
    const isDone = delivery.go(startMs + Math.min(leftMs, shareMs));
    this.#leftMs = leftMs - (this.nowMs() - startMs);
    if (!isDone) this.#backlog = worseOf(delivery.backlog, this.#backlog);
    return isDone;
  }
}

const worseOf = (one: Backlog | undefined, other: Backlog | undefined): Backlog | undefined => {
  if (one === undefined || other === undefined) return one ?? other;
  return { sinceMs: Math.min(one.sinceMs, other.sinceMs), isFlood: one.isFlood || other.isFlood };
};
