// Streams that tell the same events for a while, made into one without loss or repetition. PocketBase numbers no events:
// copies are matched by what they say.
import { createHash } from "node:crypto";
import { field } from "./superuser.ts";

/** PocketBase commits some thousand writes a second, and an overlap lasts a second or two: some megabytes here. */
const EVENTS_MAX = 20_000;
/** How long a copy is known after the stream has ended that told the event: on a machine that stands still, seconds pass. */
const LATE_MS = 60_000;

/** What was told of one event. */
interface Tellings {
  /** No other event will ever say the same. */
  readonly isUnique: boolean;
  /** How often each stream told it. */
  readonly counts: Map<object, number>;
}

/**
 * Counts what each stream has told. An event counts as often as the stream that told it most: what all told was one
 * event, what one told twice were two. Of an event it keeps a hash.
 */
export class Overlap {
  readonly #eventsMax: number;
  readonly #nowMs: () => number;
  readonly #told = new Map<string, Tellings>();
  /** Hashes of unique events whose tellers have ended, while others may still tell them, and until when; oldest first. */
  readonly #late = new Map<string, number>();
  #isOn = false;

  constructor(eventsMax = EVENTS_MAX, nowMs: () => number = performance.now.bind(performance)) {
    this.#eventsMax = eventsMax;
    this.#nowMs = nowMs;
  }

  /**
   * Whether there is no room for one more: nobody can tell copies any more, so whoever listens lets all these streams go
   * and counts what comes until there is a new one as missed.
   */
  get isFull(): boolean {
    return this.#told.size >= this.#eventsMax;
  }

  /** Whether nothing can be a copy. */
  get isIdle(): boolean {
    return !this.#isOn && this.#late.size === 0;
  }

  /** From now on there may be several streams. */
  begin(): void {
    this.#isOn = true;
  }

  /** From now on there is one stream again; the others were {@link forget forgotten}. */
  end(): void {
    this.#isOn = false;
    this.#told.clear();
  }

  /** Whether this is the first copy of its event. @param teller - Stands for the stream that tells it. */
  isFirst(teller: object, topic: string, data: string): boolean {
    this.#prune();
    if (this.isIdle) return true;
    const event = parse(data);
    // No text that somebody chose may pass for another one's copy.
    const key = createHash("sha256")
      .update(`${topic}\n${event === undefined ? data : JSON.stringify(event, inOrder)}`)
      .digest("base64");
    if (this.#late.has(key)) return false;
    if (!this.#isOn) return true;
    const { counts } = this.#tellingsOf(key, event);
    const told = Math.max(0, ...counts.values());
    const count = (counts.get(teller) ?? 0) + 1;
    counts.set(teller, count);
    return count > told;
  }

  /**
   * A stream has ended. What it alone told, others may still tell; only of unique events is that known to be a copy then,
   * and of the rest taken for something new.
   */
  forget(teller: object): void {
    const untilMs = this.#nowMs() + LATE_MS;
    for (const [key, { counts, isUnique }] of this.#told) {
      if (!counts.delete(teller) || counts.size > 0) continue;
      this.#told.delete(key);
      if (isUnique) this.#late.set(key, untilMs);
    }
  }

  #tellingsOf(key: string, event: unknown): Tellings {
    const known = this.#told.get(key) ?? { isUnique: isUnrepeatable(event), counts: new Map() };
    this.#told.set(key, known);
    return known;
  }

  #prune(): void {
    for (const [key, untilMs] of this.#late) {
      if (this.#late.size <= this.#eventsMax && this.#nowMs() < untilMs) return;
      this.#late.delete(key);
    }
  }
}

const parse = (data: string): unknown => {
  try {
    return JSON.parse(data);
  } catch {
    return undefined; // an app's own message
  }
};

/** As PocketBase writes the time of a write. */
const DATE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/;

// Known by the fields that PocketBase gives each new collection: when a record was changed last, and when it was made.
const isUnrepeatable = (event: unknown): boolean => {
  const record = field(event, "record");
  const isDate = (name: string): boolean => DATE.test(String(field(record, name)));
  return isDate("updated") || (field(event, "action") !== "update" && isDate("created"));
};

// PocketBase writes the members of a record in no fixed order when only some are asked for.
const inOrder = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [two]) => (one < two ? -1 : 1)))
    : value;
