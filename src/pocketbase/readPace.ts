// How often a stream is read that tells very much: a read costs more than a message, and many messages fit into one read.
// Reads nothing itself.
import { type Clock, systemClock } from "./clock.ts";

/** So many pieces within so many ms, 500 a second and more, are followed by a rest. */
const [PIECES, PIECES_MS] = [8, 16];
/** A rest, in ms: what a message of a stream that tells very much may wait at most. */
const REST_MS = 10;
/** What comes during a rest must have room with the system: with so many bytes in those pieces there is none. */
const BYTES_MAX = 32_768;

/** One stream's. Pieces that come slower are read as they come. */
export class ReadPace {
  readonly #resume: () => void;
  readonly #clock: Clock;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #pieces = 0;
  #bytes = 0;
  #isResting = false;

  /** @param resume - Called after each rest, whatever has become of the stream. */
  constructor(resume: () => void, clock: Clock = systemClock) {
    this.#resume = resume;
    this.#clock = clock;
  }

  /** Takes note of a piece. @returns whether to read on at once; if not, a resume follows. */
  take(bytes: number): boolean {
    if (this.#isResting) return false;
    this.#bytes += bytes;
    if (++this.#pieces < PIECES) return true;
    const nowMs = this.#clock.now();
    const isDense = nowMs - this.#sinceMs <= PIECES_MS && this.#bytes <= BYTES_MAX;
    [this.#sinceMs, this.#pieces, this.#bytes] = [nowMs, 0, 0];
    if (isDense) this.#rest();
    return !isDense;
  }

  #rest(): void {
    this.#isResting = true;
    this.#clock.after(REST_MS, () => {
      this.#isResting = false;
      this.#resume();
    });
  }
}
