// When an answer may leave, so that the time it took tells nothing: whether an identity exists, whether a mail was sent.

/** Answers take at least this long, and as long as the slowest of late, up to the bound. */
const LEAST_MS = 250;
const MOST_MS = 3_000;
/** How many answers "of late" are. */
const RECENT = 64;
/** Room above the slowest, so that the next one is not seen to be slower. */
const MARGIN = 1.25;

/** One pace for each kind of answer. */
export class EvenPace {
  readonly #recentMs = new Float64Array(RECENT);
  #next = 0;

  /**
   * How long to hold an answer back.
   * @param tookMs - From the request's arrival until now.
   */
  holdMs(tookMs: number): number {
    let slowest = 0;
    for (const one of this.#recentMs) slowest = Math.max(slowest, one);
    this.#recentMs[this.#next] = Math.min(tookMs, MOST_MS / MARGIN);
    this.#next = (this.#next + 1) % RECENT;
    const paceMs = Math.min(MOST_MS, Math.max(LEAST_MS, slowest * MARGIN));
    // Whoever is slower all the same leaves at the next full pace.
    return Math.max(1, Math.ceil(tookMs / paceMs)) * paceMs - tookMs;
  }
}
