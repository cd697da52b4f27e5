// Admission to the upstream: so many requests at once, the rest in a queue that is fair between clients
// and never holds anybody past a deadline.

export interface GateOptions {
  readonly inFlightMax: number;
  readonly queuedMax: number;
  readonly queueTimeoutMs: number;
}

interface Waiter {
  readonly admit: (admitted: boolean) => void;
  readonly deadlineMs: number;
}

/**
 * A counting gate with one queue per client key, served in turns: a client with a thousand requests
 * waits behind its own, not in front of everybody else's. Nor can it fill the queue for others: when there
 * is no room left, the longest line gives up its last place to a client with a shorter one.
 */
export class Gate {
  readonly #options: GateOptions;
  // Map order is the order of turns: a served key that still waits goes to the back.
  readonly #queues = new Map<string, Waiter[]>();
  #queued = 0;
  #inFlight = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Enters at once when there is room; each success must be paired with one {@link leave}. */
  tryEnter(): boolean {
    if (this.#inFlight >= this.#options.inFlightMax) return false;
    this.#inFlight++;
    return true;
  }

  /**
   * Waits for a turn. Resolves false when there is no room in the queue, the deadline passes or the caller
   * withdraws: it did not enter.
   * @param onQueued - Called when there is a wait, with a function that ends it.
   */
  enter(key: string, nowMs: number, onQueued?: (withdraw: () => void) => void): Promise<boolean> {
    if (this.tryEnter()) return Promise.resolve(true);
    if (this.#queued >= this.#options.queuedMax && !this.#makeRoom(key)) return Promise.resolve(false);
    return new Promise((admit) => {
      const waiter = { admit, deadlineMs: nowMs + this.#options.queueTimeoutMs };
      const queue = this.#queues.get(key);
      if (queue === undefined) this.#queues.set(key, [waiter]);
      else queue.push(waiter);
      this.#queued++;
      onQueued?.(() => this.#turnAway(key, waiter));
    });
  }

  // Takes the last place of the longest queue, unless that is hardly longer than the newcomer's own.
  #makeRoom(key: string): boolean {
    let longest: readonly [string, readonly Waiter[]] = ["", []];
    for (const entry of this.#queues) if (entry[1].length > longest[1].length) longest = entry;
    const last = longest[1].at(-1);
    if (last === undefined || (this.#queues.get(key)?.length ?? 0) + 1 >= longest[1].length) return false;
    this.#turnAway(longest[0], last);
    return true;
  }

  #turnAway(key: string, waiter: Waiter): void {
    const queue = this.#queues.get(key) ?? [];
    const at = queue.lastIndexOf(waiter);
    if (at < 0) return;
    queue.splice(at, 1);
    if (queue.length === 0) this.#queues.delete(key);
    this.#queued--;
    waiter.admit(false);
  }

  /** Gives the place to the next client in turn. */
  leave(): void {
    const next = this.#queued === 0 ? undefined : this.#queues.entries().next();
    if (next === undefined || next.done === true) {
      this.#inFlight--;
      return;
    }
    const [key, queue] = next.value;
    const waiter = queue.shift();
    this.#queues.delete(key);
    if (queue.length > 0) this.#queues.set(key, queue);
    this.#queued--;
    waiter?.admit(true);
  }

  /** Turns away everybody whose deadline has passed; called on a coarse clock. */
  sweep(nowMs: number): void {
    for (const [key, queue] of this.#queues) {
      // Waiters of one key entered in order, so the late ones are in front.
      while (queue[0] !== undefined && queue[0].deadlineMs <= nowMs) {
        queue.shift()?.admit(false);
        this.#queued--;
      }
      if (queue.length === 0) this.#queues.delete(key);
    }
  }
}
