// Streams that tell the same events for a while, made into one without loss or repetition. PocketBase numbers no events:
// copies are matched by what they say.

/**
 * Counts what each stream has told. An event counts as often as the stream that told it most: what all told was one
 * event, what one told twice were two. Lives for seconds; holds one entry per distinct event of that time.
 */
export class Overlap {
  /** By event: how often each stream told it. */
  readonly #counts = new Map<string, Map<object, number>>();

  /** Whether this is the first copy of its event. @param teller - Stands for the stream that tells it. */
  isFirst(teller: object, topic: string, data: string): boolean {
    const key = `${topic}\n${sorted(data)}`;
    const counts = this.#counts.get(key) ?? new Map<object, number>();
    this.#counts.set(key, counts);
    const told = Math.max(0, ...counts.values());
    const count = (counts.get(teller) ?? 0) + 1;
    counts.set(teller, count);
    return count > told;
  }

  /** A stream has ended: nobody can tell copies of what it alone told, and what is told from now on is something else. */
  forget(teller: object): void {
    for (const counts of this.#counts.values()) counts.delete(teller);
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
