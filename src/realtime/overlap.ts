// Two streams that tell the same events for a while, made into one without loss or repetition. PocketBase numbers no
// events: copies are matched by what they say.

/** Which of the two streams told an event. */
export type Teller = "old" | "new";

interface Count {
  old: number;
  new: number;
}

/**
 * Counts what either stream has told. An event counts as often as the stream that told it more often: what both told
 * was one event, what one told twice were two. Lives for seconds; holds one entry per distinct event of that time.
 */
export class Overlap {
  readonly #counts = new Map<string, Count>();

  /** Whether this is the first copy of its event. */
  isFirst(teller: Teller, topic: string, data: string): boolean {
    const key = `${topic}\n${sorted(data)}`;
    const count = this.#counts.get(key) ?? { old: 0, new: 0 };
    this.#counts.set(key, count);
    const told = Math.max(count.old, count.new);
    count[teller] += 1;
    return count[teller] > told;
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
