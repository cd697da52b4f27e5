// Lets deliveries to many clients take turns, so that an event for ten thousand of them does not hold up everything
// else. Knows neither events nor clients.

/** Something to tell many clients. */
export interface Delivery {
  /** Goes on until all is told or until `untilMs` of `performance.now()`; makes some way in any case. @returns whether all is told. */
  go(untilMs: number): boolean;
}

/** What deliveries may take of one turn of the event loop, in ms. */
const SLICE_MS = 4;
/** What one of several deliveries takes before the next one's turn, in ms. */
const SHARE_MS = 1;

/** When deliveries have taken every turn for so long, in ms, each turn is followed by a rest as long as it. */
const BUSY_MS_MAX = 1_000;

/** Short deliveries happen at once; what is left of long ones follows in small shares, first come first served. */
export class Turns {
  readonly #waiting = new Set<Delivery>();
  /** What this turn of the event loop has left, in ms; undefined before the first delivery in it. */
  #leftMs: number | undefined;
  /** Since when something has been waiting; undefined when nothing is. */
  #busySinceMs: number | undefined;

  /** Starts a delivery, or has it wait for its turn. One that waits already takes up what is new by itself. */
  add(delivery: Delivery): void {
    if (this.#leftMs === undefined) this.#begin();
    if (this.#waiting.size > 0 || !this.#advance(delivery, SLICE_MS)) this.#waiting.add(delivery);
  }

  /** Takes a delivery out. */
  drop(delivery: Delivery): void {
    this.#waiting.delete(delivery);
  }

  // Events that come faster than they can be told must not take the machine from PocketBase and from requests.
  #begin(): void {
    this.#leftMs = SLICE_MS;
    const nowMs = performance.now();
    if (this.#waiting.size > 0) this.#busySinceMs ??= nowMs;
    if (nowMs - (this.#busySinceMs ?? nowMs) < BUSY_MS_MAX) setImmediate(() => this.#next());
    else setTimeout(() => this.#next(), 2 * SLICE_MS);
  }

  #next(): void {
    this.#leftMs = undefined;
    if (this.#waiting.size === 0) {
      this.#busySinceMs = undefined;
      return;
    }
    this.#begin();
    // A set gives back what is added again behind all others.
    for (const delivery of this.#waiting) {
      this.#waiting.delete(delivery);
      if (!this.#advance(delivery, SHARE_MS)) this.#waiting.add(delivery);
      if ((this.#leftMs ?? 0) <= 0) return;
    }
  }

  #advance(delivery: Delivery, shareMs: number): boolean {
    const leftMs = this.#leftMs ?? 0;
    if (leftMs <= 0) return false;
    const startMs = performance.now();
    const isDone = delivery.go(startMs + Math.min(leftMs, shareMs));
    this.#leftMs = leftMs - (performance.now() - startMs);
    return isDone;
  }
}
