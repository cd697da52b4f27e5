// Weighs how far a stream can be relied on, from the times of messages, doubts and questions. Asks nobody.
import type { Clock } from "./clock.ts";
import type { FeedTimes } from "./feedOptions.ts";

/** What a stream tells about itself. `heardMs` is the clock's time of its last message, its greeting included. */
type Heard = { readonly heardMs: number };

/** The evidence so far. Each message of a stream proves it until then: nothing gets lost within. */
export class FeedTrust {
  readonly #clock: Clock;
  readonly #times: FeedTimes;
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

  /** Notes that somebody relies on the feed. @returns Whether it is time for a proof. */
  ask(stream: Heard): boolean {
    this.#askedMs = this.#clock.now();
    return this.isProofDue(stream);
  }

  /** PocketBase answers, or did not. Silence leaves a doubt that only a message ends. */
  hear(isSilent: boolean): void {
    this.#isSilent = isSilent;
    if (isSilent) this.#doubtedMs = this.#clock.now();
  }

  /** True while nothing speaks against the stream and its last message is younger than `trustMs`. */
  isTrusted({ heardMs }: Heard): boolean {
    if (this.#isSilent || heardMs <= this.#doubtedMs) return false;
    return this.#clock.now() - heardMs < this.#times.trustMs;
  }

  /** True when there is a doubt, or an old message on which somebody has relied since. */
  isProofDue({ heardMs }: Heard): boolean {
    if (heardMs <= this.#doubtedMs) return true;
    return this.#askedMs > heardMs && this.#clock.now() - heardMs >= this.#times.proveEveryMs;
  }
}
