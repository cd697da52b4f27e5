// How much somebody may still do this second. No clock of its own.

/** So many a second, and twice as many at once. */
export class Allowance {
  readonly #perSecond: number;
  #left: number;
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = 2 * perSecond;
  }

  /** @param nowMs - Monotonic. @returns false when nothing is left */
  take(nowMs: number): boolean {
    const earned = Math.max(0, nowMs - this.#atMs) * (this.#perSecond / 1000);
    this.#left = Math.min(2 * this.#perSecond, this.#left + earned);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
