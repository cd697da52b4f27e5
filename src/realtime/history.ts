// What was told of each topic a short while ago, for clients that come back. Bounded in events, age and bytes for all
// topics together; says exactly from where on it is whole. Tells nobody.
import type { Message } from "./message.ts";

/** How much is kept. With `ageMsMax` 0, nothing. */
export interface HistoryBounds {
  /** Events of one topic. */
  readonly eventsMax: number;
  /** For all topics together. */
  readonly bytesMax: number;
  readonly ageMsMax: number;
}

interface Entry {
  readonly history: TopicHistory;
  readonly message: Message;
  readonly number: number;
  readonly bytes: number;
  readonly atMs: number;
  older: Entry | undefined;
  newer: Entry | undefined;
}

/** What an event takes beside its data: an entry, a message and its encoded form. */
const ENTRY_BYTES = 256;
/** The text, and the same once encoded. */
const BYTES_PER_CHAR = 2;

/** Entries of all topics in a row, oldest first. */
export class HistoryStore {
  readonly bounds: HistoryBounds;
  #oldest: Entry | undefined;
  #newest: Entry | undefined;
  #bytes = 0;

  constructor(bounds: HistoryBounds) {
    this.bounds = bounds;
  }

  /** Bytes kept now, about. */
  get bytes(): number {
    return this.#bytes;
  }

  add(entry: Entry): void {
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    this.#bytes += entry.bytes;
    while (this.#bytes > this.bounds.bytesMax) this.#oldest?.history.shorten();
  }

  delete(entry: Entry): void {
    const { older, newer } = entry;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    this.#bytes -= entry.bytes;
    // A dead entry that the collector does not look at for a while would keep all younger ones.
    [entry.older, entry.newer] = [undefined, undefined];
  }

  /** Forgets what is too old. */
  tick(nowMs: number): void {
    while (this.#oldest !== undefined && nowMs - this.#oldest.atMs >= this.bounds.ageMsMax)
      this.#oldest.history.shorten();
  }
}

/** The events of one topic, by the numbers of its group. */
export class TopicHistory {
  readonly #store: HistoryStore;
  readonly #entries: Entry[] = [];
  /** Whoever has heard everything up to here misses at most what is kept. */
  #floor = Number.POSITIVE_INFINITY;

  constructor(store: HistoryStore) {
    this.#store = store;
  }

  /** From this number on everything is heard; a second call changes nothing. */
  begin(number: number): void {
    this.#floor = Math.min(this.#floor, number);
  }

  add(number: number, message: Message): void {
    const { eventsMax, ageMsMax } = this.#store.bounds;
    if (ageMsMax === 0 || this.#floor === Number.POSITIVE_INFINITY) return;
    const bytes = message.data.length * BYTES_PER_CHAR + ENTRY_BYTES;
    const atMs = performance.now();
    const entry: Entry = { history: this, message, number, bytes, atMs, older: undefined, newer: undefined };
    this.#entries.push(entry);
    this.#store.add(entry);
    if (this.#entries.length > eventsMax) this.shorten();
  }

  /** What came after a number, oldest first; undefined when that is not all of it. */
  after(number: number): Message[] | undefined {
    if (number < this.#floor) return undefined;
    return this.#entries.filter((entry) => entry.number > number).map(({ message }) => message);
  }

  /** Forgets its oldest event. */
  shorten(): void {
    const oldest = this.#entries.shift();
    if (oldest === undefined) return;
    this.#floor = oldest.number;
    this.#store.delete(oldest);
  }

  /** Forgets everything: what comes is not heard before the next {@link begin}. */
  clear(): void {
    for (const entry of this.#entries.splice(0)) this.#store.delete(entry);
    this.#floor = Number.POSITIVE_INFINITY;
  }
}
