// Entries within a bound of bytes; those used longest ago go first. Judges no entry.
import { headRoomOf } from "../http/answerHead.ts";
import { createCollect } from "../utils/collect.ts";
import type { Coding } from "./codings.ts";
import type { Entry, Kept } from "./entry.ts";

/** What an entry costs beside its bytes and texts: objects, a lease, map slots. */
const OVERHEAD_BYTES = 600;
/** What the allocator rounds a body up to, at most. */
const ROUNDING = 9 / 8;
/**
 * The share of the bound that entries may take. What was dropped stays in memory until the collector runs, and left alone
 * it runs when three times as much has gathered.
 */
const LIVE_SHARE = 0.45;
/** What the making of an entry leaves behind, in its own bytes: the pieces it came in, their sum, and the entry that gave way. */
const LEFT_BEHIND = 3;

/** A bounded map of entries by key. */
export class EntryStore {
  /** Largest entry that is taken. */
  readonly entryBytesMax: number;
  readonly #bytesMax: number;
  readonly #liveBytesMax: number;
  readonly #collect: () => void;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  /** What may lie in memory beside the entries since the collector ran. */
  #garbageBytes = 0;

  /** @param collect - Makes the runtime give unused memory back; called before more than `bytesMax` may be taken. */
  constructor(bytesMax: number, collect: () => void = createCollect()) {
    this.#bytesMax = bytesMax;
    this.#liveBytesMax = bytesMax * LIVE_SHARE;
    this.#collect = collect;
    this.entryBytesMax = Math.min(bytesMax / 8, 8 * 1024 * 1024);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The entry, which counts as used now. */
  use(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    // Moving it to the end each time would cost more than it brings; hot entries are moved often enough.
    if ((entry.hits++ & 7) === 0) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** The entry, as it lies there. */
  peek(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  put(entry: Entry): void {
    this.delete(entry.key);
    const bytes = costOf(entry);
    if (bytes > this.entryBytesMax) return;
    this.#entries.set(entry.key, entry);
    this.#bytes += bytes;
    this.#garbageBytes += bytes * LEFT_BEHIND;
    this.#makeRoom();
  }

  /** Keeps a variant of an entry that lies here. */
  addVariant(entry: Entry, coding: Coding, variant: Kept): void {
    if (this.#entries.get(entry.key) !== entry || entry.variants === undefined) return;
    this.#bytes -= costOf(entry);
    entry.variants.set(coding, variant);
    this.#bytes += costOf(entry);
    this.#makeRoom();
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#bytes -= costOf(entry);
    return true;
  }

  /** Every entry, those used longest ago first. */
  all(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #makeRoom(): void {
    for (const [key] of this.#entries) {
      if (this.#bytes <= this.#liveBytesMax) break;
      this.delete(key);
    }
    if (this.#bytes + this.#garbageBytes <= this.#bytesMax) return;
    this.#garbageBytes = 0;
    this.#collect();
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
