// Entries within a bound of bytes. Whoever asks for ever new things fills the place of new entries, not that of those which
// were given a second time. Judges no entry.
import { edenGC } from "bun:jsc";
import { headRoomOf } from "../http/headRoom.ts";
import { type Collect, createCollect } from "../utils/collect.ts";
import type { Coding } from "./codings.ts";
import type { Entry, Kept } from "./entry.ts";

/** What an entry costs beside its bytes and texts: objects, a lease, map slots. */
const OVERHEAD_BYTES = 1_100;
/** What the allocator rounds a body up to, at most. */
const ROUNDING = 9 / 8;
/** The share of the bound that entries may take. What was dropped stays in memory until the collector runs. */
const LIVE_SHARE = 0.6;
/** What the making of an entry leaves behind beside twice its own bytes (the pieces it came in, their sum). */
const FILL_BYTES = 12_000;
/** What it leaves behind for longer: the plan of its read and a name, both forgotten some day. */
const PLAN_BYTES = 2_200;
/** The share of the bound that the former may take. */
const YOUNG_SHARE = 1 / 8;

/** The share of entries that were not given yet, when there is not room for all. */
const NEW_SHARE = 1 / 8;

/** Entries, the oldest first, and what they cost. */
class Segment {
  readonly #entries = new Map<string, Entry>();
  bytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  add(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.bytes += costOf(entry);
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.bytes -= costOf(entry);
    return this.#entries.delete(key);
  }

  /** Takes the oldest away. */
  shift(): Entry | undefined {
    for (const [key, entry] of this.#entries) {
      this.delete(key);
      return entry;
    }
    return undefined;
  }

  all(): IterableIterator<Entry> {
    return this.#entries.values();
  }
}

/** Makes the runtime give unused memory back. */
export interface Collectors {
  /** What was used for a moment only. */
  readonly young: Collect;
  /** All of it. */
  readonly all: Collect;
}

/** A bounded map of entries by key. */
export class EntryStore {
  /** Largest entry that is taken. */
  readonly entryBytesMax: number;
  readonly #bytesMax: number;
  readonly #liveBytesMax: number;
  readonly #youngBytesMax: number;
  readonly #collect: Collectors;
  #new = new Segment();
  #proven = new Segment();
  /** What fills have left behind, and entries that were dropped, since the collector ran. */
  #youngBytes = 0;
  #droppedBytes = 0;

  /** @param collect - Called before more than `bytesMax` may be taken. */
  constructor(
    bytesMax: number,
    collect: Collectors = { young: createCollect({ run: edenGC }), all: createCollect() },
  ) {
    this.#bytesMax = bytesMax;
    this.#liveBytesMax = bytesMax * LIVE_SHARE;
    this.#youngBytesMax = bytesMax * YOUNG_SHARE;
    this.#collect = collect;
    this.entryBytesMax = Math.min(bytesMax / 8, 8 * 1024 * 1024);
  }

  get bytes(): number {
    return this.#new.bytes + this.#proven.bytes;
  }

  get size(): number {
    return this.#new.size + this.#proven.size;
  }

  /** The entry, which counts as used now. */
  use(key: string): Entry | undefined {
    const entry = this.peek(key);
    if (entry === undefined) return undefined;
    entry.hits += 1;
    entry.isUsed = true;
    return entry;
  }

  /** The entry, as it lies there. */
  peek(key: string): Entry | undefined {
    return this.#proven.get(key) ?? this.#new.get(key);
  }

  put(entry: Entry): void {
    const segment = this.#proven.get(entry.key) === undefined ? this.#new : this.#proven;
    this.delete(entry.key);
    const bytes = costOf(entry);
    if (bytes > this.entryBytesMax) return;
    segment.add(entry);
    this.#youngBytes += FILL_BYTES + 2 * bytes;
    this.#droppedBytes += PLAN_BYTES;
    this.#makeRoom();
  }

  /** Keeps a variant of an entry that lies here. */
  addVariant(entry: Entry, coding: Coding, variant: Kept): void {
    const segment = this.#proven.get(entry.key) === entry ? this.#proven : this.#new;
    if (segment.get(entry.key) !== entry || entry.variants === undefined) return;
    segment.bytes -= costOf(entry);
    entry.variants.set(coding, variant);
    segment.bytes += costOf(entry);
    this.#makeRoom();
  }

  delete(key: string): boolean {
    const before = this.bytes;
    const isGone = this.#proven.delete(key) || this.#new.delete(key);
    this.#droppedBytes += before - this.bytes;
    return isGone;
  }

  /** Those that were given since they were made. */
  given(): IteratorObject<Entry> {
    return this.all().filter(({ hits }) => hits > 0);
  }

  /** Every entry; those that were given already come last. */
  *all(): Generator<Entry> {
    yield* this.#new.all();
    yield* this.#proven.all();
  }

  clear(): void {
    this.#droppedBytes += this.bytes;
    this.#new = new Segment();
    this.#proven = new Segment();
  }

  #makeRoom(): void {
    while (this.bytes > this.#liveBytesMax) {
      const isNew = this.#new.bytes > this.#liveBytesMax * NEW_SHARE;
      const before = this.bytes;
      const entry = (isNew ? this.#new : this.#proven).shift();
      if (entry?.isUsed === true) {
        // What was given gets another turn.
        entry.isUsed = false;
        this.#proven.add(entry);
      } else this.#droppedBytes += before - this.bytes;
    }
    this.#giveBack();
  }

  // Whoever collects all collects what is young, too.
  #giveBack(): void {
    if (this.bytes + this.#droppedBytes + this.#youngBytesMax > this.#bytesMax && this.#collect.all()) {
      this.#droppedBytes = 0;
      this.#youngBytes = 0;
    }
    if (this.#youngBytes > this.#youngBytesMax && this.#collect.young()) this.#youngBytes = 0;
  }
}

const costOf = (entry: Entry): number => {
  let bytes = OVERHEAD_BYTES + entry.key.length + (entry.name?.length ?? 0) + keptBytes(entry);
  for (const variant of entry.variants?.values() ?? [])
    if (variant !== undefined) bytes += OVERHEAD_BYTES + keptBytes(variant);
  return bytes;
};

const keptBytes = ({ headers, body }: Kept): number => {
  let bytes = (headRoomOf(body) + body.byteLength) * ROUNDING;
  for (const text of headers) bytes += text.length;
  return bytes;
};
