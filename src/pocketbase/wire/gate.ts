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
 * waits behind its own, not in front of everybody else's.
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

  /** Waits for a turn. Resolves false when the queue is full or the deadline passes: the caller did not enter. */
  enter(key: string, nowMs: number): Promise<boolean> {
    if (this.tryEnter()) return Promise.resolve(true);
    if (this.#queued >= this.#options.queuedMax) return Promise.resolve(false);
    return new Promise((admit) => {
      const waiter = { admit, deadlineMs: nowMs + this.#options.queueTimeoutMs };
      const queue = this.#queues.get(key);
      if (queue === undefined) this.#queues.set(key, [waiter]);
      else queue.push(waiter);
      this.#queued++;
    });
  }

  /** Gives the place to the next client in turn. */
  leave(): void {
    const next = this.#queues.entries().next();
    if (next.done === true) {
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
