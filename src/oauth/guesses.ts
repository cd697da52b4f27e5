// Slows the guessing of short codes: so many wrong ones of one address, and so many in all, then none for a while.
// Counts in memory; a restart forgets.

const WINDOW_MS = 600_000;
const OWNERS_MAX = 10_000;

/** Wrong codes allowed within ten minutes. */
export interface GuessLimits {
  readonly perOwnerMax: number;
  /** Of everybody: with 10 000 codes waiting among 20^8, a thousand guesses hit one with a chance of 1 in 2 600. */
  readonly totalMax: number;
}

export class Guesses {
  readonly #limits: GuessLimits;
  readonly #now: () => number;
  readonly #byOwner = new Map<string, number>();
  #total = 0;
  #startedMs = 0;

  /** @param now - Time in ms. */
  constructor(limits: GuessLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Whether this owner may try a code. */
  mayGuess(owner: string): boolean {
    this.#turn();
    const { perOwnerMax, totalMax } = this.#limits;
    return this.#total < totalMax && (this.#byOwner.get(owner) ?? 0) < perOwnerMax;
  }

  /** Notes a wrong code. */
  miss(owner: string): void {
    this.#turn();
    this.#total += 1;
    if (this.#byOwner.size < OWNERS_MAX || this.#byOwner.has(owner))
      this.#byOwner.set(owner, (this.#byOwner.get(owner) ?? 0) + 1);
  }

  #turn(): void {
    if (this.#now() - this.#startedMs < WINDOW_MS) return;
    this.#startedMs = this.#now();
    this.#byOwner.clear();
    this.#total = 0;
  }
}
