// Makes whoever fails again and again wait longer and longer. Counts failures; says nothing about what failed.

/** Bounds of a {@link BackOff}. */
export interface BackOffOptions {
  /** Failures in a row that cost nothing. */
  readonly freeMax: number;
  /** First wait; it doubles with every further failure. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** Without a failure for this long a name starts anew. */
  readonly forgetMs: number;
  /** Names remembered; the one noted longest ago makes room. */
  readonly namesMax: number;
  /** Monotonic clock. */
  readonly now: () => number;
}

interface Failures {
  readonly count: number;
  readonly atMs: number;
  readonly untilMs: number;
}

/** Failures by name, in memory. */
export class BackOff {
  readonly #options: BackOffOptions;
  readonly #failures = new Map<string, Failures>();

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  /** Milliseconds a name must still wait; 0 when it may try. */
  waitMs(name: string): number {
    const found = this.#failures.get(name);
    return found === undefined ? 0 : Math.max(0, found.untilMs - this.#options.now());
  }

  /** Notes a failure. */
  fail(name: string): void {
    const { freeMax, firstMs, longestMs, forgetMs, namesMax, now } = this.#options;
    const atMs = now();
    const found = this.#failures.get(name);
    const count = found === undefined || atMs - found.atMs > forgetMs ? 1 : found.count + 1;
    const waitMs = count <= freeMax ? 0 : Math.min(longestMs, firstMs * 2 ** (count - freeMax - 1));
    this.#failures.delete(name);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size >= namesMax && oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.set(name, { count, atMs, untilMs: atMs + waitMs });
  }
}
