// The change feed's attempts to prove or open a stream, one after the other, as those see them who wait for their outcome.
// Makes none.
import type { Clock } from "./clock.ts";

/** Attempts, each from `begin` to `end`. */
export class FeedRounds {
  readonly #clock: Clock;
  #over = Promise.withResolvers<void>();
  #begunMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isUnderway(): boolean {
    return this.#begunMs !== undefined;
  }

  begin(): void {
    this.#begunMs = this.#clock.now();
  }

  /** Whoever waits looks again. */
  end(): void {
    this.#begunMs = undefined;
    this.#over.resolve();
    this.#over = Promise.withResolvers();
  }

  /** Waits while `isOpen`, attempt after attempt, at most `deadlineMs` from the beginning of the one under way. */
  async waitWhile(isOpen: () => boolean, deadlineMs: number): Promise<void> {
    let isLate = false;
    const late = Promise.withResolvers<void>();
    const triedMs = this.#clock.now() - (this.#begunMs ?? this.#clock.now());
    const callOff = this.#clock.after(Math.max(0, deadlineMs - triedMs), () => {
      isLate = true;
      late.resolve();
    });
    while (isOpen() && !isLate) await Promise.race([this.#over.promise, late.promise]);
    callOff();
  }
}
