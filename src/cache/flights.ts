// Fills under way, one for each key: who wants the same answer meanwhile waits for it, unless it may be outdated
// already. Keeps nothing that has landed.
import { type Answer, isStreamed } from "../http/answer.ts";
import { gatherAnswer } from "../http/gatherAnswer.ts";
import { type Audience, type Kept, type ReadMark, toKept } from "./entry.ts";
import type { Lease } from "./versions.ts";

/**
 * What a fill came to.
 * - `kept`: an answer that may be kept, and whether it was.
 * - `plain`: a whole answer that is no more than an answer to this question; its headers belong to all who waited.
 * - `loose`: too large or too slow to be held; it flows to whoever began the fill, the others ask for themselves.
 */
export type Fill =
  | { readonly kind: "kept"; readonly kept: Kept; readonly isStored: boolean }
  | { readonly kind: "plain"; readonly answer: Answer }
  | { readonly kind: "loose"; readonly answer: Answer };

/** What to ask, and what to do with it. */
export interface FillOrder extends Audience {
  readonly mark: ReadMark;
  readonly lease: Lease;
  readonly bodyBytesMax: number;
  readonly ask: () => Promise<Answer>;
  /** Whether an answer of this status may be kept. */
  readonly keeps: (status: number) => boolean;
  /** Keeps it. @returns whether it did. */
  readonly store: (kept: Kept) => boolean;
}

/** For a whole answer; what takes longer flows on as it comes. */
const TIMEOUT_MS = 30_000;

export class Flights {
  readonly #flights = new Map<string, Flight>();

  /** Fills under way. */
  get size(): number {
    return this.#flights.size;
  }

  /** The fill under way for a key, when nothing it may miss has happened since it began. */
  join(key: string): Promise<Fill> | undefined {
    const flight = this.#flights.get(key);
    return flight?.lease.holds() === true ? flight.fill : undefined;
  }

  /** Begins a fill in the place of any other for that key. Rejects as `ask` does. */
  start(order: FillOrder): Promise<Fill> {
    const isDropped = (): boolean => flight.isDropped;
    const fill = run({ ...order, store: (kept) => !isDropped() && order.store(kept) });
    const { mark, lease } = order;
    const flight: Flight = { mark, lease, fill, isDropped: false };
    this.#flights.set(mark.key, flight);
    const land = (): void => {
      if (this.#flights.get(mark.key) === flight) this.#flights.delete(mark.key);
    };
    fill.then(land, land);
    return fill;
  }

  /** Sees to it that nothing is kept of the fills under way that `test` accepts, and that nobody joins them. */
  drop(test: (read: ReadMark) => boolean): void {
    for (const [key, flight] of this.#flights) {
      if (!test(flight.mark)) continue;
      flight.isDropped = true;
      this.#flights.delete(key);
    }
  }
}

interface Flight {
  readonly mark: ReadMark;
  readonly lease: Lease;
  readonly fill: Promise<Fill>;
  isDropped: boolean;
}

const run = async ({ ask, bodyBytesMax, keeps, store, ...audience }: FillOrder): Promise<Fill> => {
  const answer = await gatherAnswer(await ask(), { bytesMax: bodyBytesMax, timeoutMs: TIMEOUT_MS });
  if (isStreamed(answer.body)) return { kind: "loose", answer };
  if (!keeps(answer.status)) return { kind: "plain", answer };
  const kept = toKept(answer, answer.body ?? new Uint8Array(0), audience);
  return kept === undefined ? { kind: "plain", answer } : { kind: "kept", kept, isStored: store(kept) };
};
