// How long a client may take over its body: who sends a byte now and then must not keep a place at PocketBase for it.

/** Time every body has, whatever comes of it. */
const GRACE_MS = 20_000;

/** The bound of one body. Time that the upstream takes is not the client's. */
export class UploadPace {
  readonly #msPerByte: number;
  #deadlineMs: number;
  #pausedMs: number | undefined;

  /**
   * @param bytesPerSecondMin - On average over the whole body; 0 for no bound.
   * @param idleMs - How long a body may stand still; the grace is not longer.
   */
  constructor(bytesPerSecondMin: number, idleMs: number, nowMs: number) {
    this.#msPerByte = bytesPerSecondMin === 0 ? 0 : 1000 / bytesPerSecondMin;
    this.#deadlineMs =
      bytesPerSecondMin === 0 ? Number.POSITIVE_INFINITY : nowMs + Math.min(GRACE_MS, idleMs);
  }

  /** The moment at which the client is too slow, unless more has come by then. */
  get deadlineMs(): number {
    return this.#pausedMs === undefined ? this.#deadlineMs : Number.POSITIVE_INFINITY;
  }

  sent(bytes: number): void {
    this.#deadlineMs += bytes * this.#msPerByte;
  }

  /** The upstream takes no more for now. */
  pause(nowMs: number): void {
    this.#pausedMs ??= nowMs;
  }

  resume(nowMs: number): void {
    if (this.#pausedMs !== undefined) this.#deadlineMs += nowMs - this.#pausedMs;
    this.#pausedMs = undefined;
  }
}
