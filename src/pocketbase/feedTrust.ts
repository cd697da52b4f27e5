// Weighs how far a stream can be relied on, from the times of proofs, doubts and questions. Asks nobody.
import type { Clock } from "./clock.ts";
import type { FeedTimes } from "./feedOptions.ts";

/**
 * - `closed`: no stream. Changes go unnoticed.
 * - `healthy`: everything until `trustMs` ago was told, and PocketBase answered a moment ago.
 * - `doubtful`: changes may be held up on the way. They are told later, or a gap is.
 */
export type FeedState = "closed" | "healthy" | "doubtful";

/** What a stream tells about itself. `heardMs` is the clock's time of its last message. */
type Heard = { readonly heardMs: number };

/** The evidence so far. A message of the stream proves it as well as a proof does: nothing gets lost within. */
export class FeedTrust {
  readonly #clock: Clock;
  readonly #times: FeedTimes;
  #provenMs = Number.NEGATIVE_INFINITY;
  #askedMs = Number.NEGATIVE_INFINITY;
  #doubtedMs = Number.NEGATIVE_INFINITY;
  #isSilent = false;

  constructor(clock: Clock, times: FeedTimes) {
    this.#clock = clock;
    this.#times = times;
  }

  /** Whether PocketBase left the last question unanswered. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Everything until now was told, or is known to be missing. */
  prove(): void {
    this.#provenMs = this.#clock.now();
  }

  /** Notes that somebody relies on the feed. @returns Whether it is time for a proof. */
  ask(stream: Heard): boolean {
    this.#askedMs = this.#clock.now();
    return this.isProofDue(stream);
  }

  /** PocketBase answers, or did not. Silence leaves a doubt that only a proof or a message ends. */
  hear(isSilent: boolean): void {
    this.#isSilent = isSilent;
    if (isSilent) this.#doubtedMs = this.#clock.now();
  }

  /** True while nothing speaks against the stream and the last proof is younger than `trustMs`. */
  isTrusted(stream: Heard): boolean {
    const proofMs = this.#proofMs(stream);
    if (this.#isSilent || proofMs <= this.#doubtedMs) return false;
    return this.#clock.now() - proofMs < this.#times.trustMs;
  }

  /** True when there is a doubt, or an old proof that somebody has relied on since. */
  isProofDue(stream: Heard): boolean {
    const proofMs = this.#proofMs(stream);
    if (proofMs <= this.#doubtedMs) return true;
    return this.#askedMs > proofMs && this.#clock.now() - proofMs >= this.#times.proveEveryMs;
  }

  #proofMs(stream: Heard): number {
    return Math.max(this.#provenMs, stream.heardMs);
  }
}
