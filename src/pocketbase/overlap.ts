// Streams that tell the same events for a while, made into one without loss or repetition. PocketBase numbers no events:
// copies are matched by what they say.
import { createHash } from "node:crypto";

/** PocketBase commits some thousand writes a second, and an overlap lasts a second or two: some megabytes here. */
const EVENTS_MAX = 20_000;

/**
 * Counts what each stream has told. An event counts as often as the stream that told it most: what all told was one
 * event, what one told twice were two. Lives for seconds; of an event it keeps a hash, until all who told it have ended.
 */
export class Overlap {
  readonly #eventsMax: number;
  /** By hash of the event: how often each stream told it. */
  readonly #counts = new Map<string, Map<object, number>>();

  constructor(eventsMax = EVENTS_MAX) {
    this.#eventsMax = eventsMax;
  }

  /**
   * Whether there is no room for one more: nobody can tell copies any more, so whoever listens lets all these streams go
   * and counts what comes until there is a new one as missed.
   */
  get isFull(): boolean {
    return this.#counts.size >= this.#eventsMax;
  }

  /** Whether this is the first copy of its event. @param teller - Stands for the stream that tells it. */
  isFirst(teller: object, topic: string, data: string): boolean {
    // No text that somebody chose may pass for another one's copy.
    const key = createHash("sha256")
      .update(`${topic}\n${sorted(data)}`)
      .digest("base64");
    const counts = this.#counts.get(key) ?? new Map<object, number>();
    this.#counts.set(key, counts);
    const told = Math.max(0, ...counts.values());
    const count = (counts.get(teller) ?? 0) + 1;
    counts.set(teller, count);
    return count > told;
  }

  /** A stream has ended: nobody can tell copies of what it alone told, and what is told from now on is something else. */
  forget(teller: object): void {
    for (const [key, counts] of this.#counts)
      if (counts.delete(teller) && counts.size === 0) this.#counts.delete(key);
  }
}

// PocketBase writes the members of a record in no fixed order when only some are asked for.
const sorted = (data: string): string => {
  try {
    return JSON.stringify(JSON.parse(data), inOrder);
  } catch {
    return data; // an app's own message
  }
};

const inOrder = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [two]) => (one < two ? -1 : 1)))
    : value;
