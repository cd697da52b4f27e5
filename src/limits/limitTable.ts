// The memory of the limits: one time (GCRA's "theoretical arrival time") for each key, in a table of fixed size.
// Knows nothing of rules; whoever asks brings hashes made with a secret key.

/** Slots of one bucket. */
const WAYS = 32;
// A bucket is 384 bytes in one place, fingerprints first, so that a look at one costs little of the memory's time.
const WORDS_PER_BUCKET = 96;
const DOUBLES_PER_BUCKET = 48;
const TATS_FROM = 16;
/** Slots made for each key that shall fit; buckets fill unevenly. */
const SLOTS_PER_KEY = 1.6;
/** Slots that keys share when their bucket is full of others that are still limited. */
const SHARED = 4096;

/** One entry that still limits, for saving. */
export interface SavedEntry {
  readonly slot: number;
  readonly fingerprint: number;
  readonly tat: number;
}

/**
 * Open addressing in buckets of 32 slots, 12 bytes a slot. A slot may be taken over only when its time has passed: by
 * then it says nothing any more, so no key is ever forgotten early. A key whose bucket is full of others gets a slot
 * that it shares with other such keys, which limits more than it should, never less.
 */
export class LimitTable {
  // Two views of the same memory.
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #buckets: number;
  readonly #slots: number;
  /** How often a key had to share. */
  shared = 0;

  /** @param keysMax - Keys that fit at the same time; about 20 bytes each, touched as they come. */
  constructor(keysMax: number) {
    this.#buckets = Math.max(1, Math.ceil((keysMax * SLOTS_PER_KEY) / WAYS));
    this.#slots = this.#buckets * WAYS;
    const buffer = new ArrayBuffer((this.#buckets + SHARED / WAYS) * WORDS_PER_BUCKET * 4);
    this.#words = new Uint32Array(buffer);
    this.#doubles = new Float64Array(buffer);
  }

  /** Slots without the shared ones; two tables of one size hold the same keys in the same places. */
  get size(): number {
    return this.#slots;
  }

  /** Bytes set aside. */
  get bytes(): number {
    return this.#words.byteLength;
  }

  /**
   * The slot of a key: the one it has, else one it may have. Takes nothing; {@link put} does.
   * @param lo - Becomes the fingerprint. @param hi - Chooses the bucket. Both unsigned 32-bit numbers.
   */
  locate(lo: number, hi: number, now: number): number {
    const fingerprint = lo === 0 ? 1 : lo;
    const bucket = Math.floor((hi * this.#buckets) / 0x1_0000_0000);
    const first = bucket * WAYS;
    const fingerprints = bucket * WORDS_PER_BUCKET;
    const tats = bucket * DOUBLES_PER_BUCKET + TATS_FROM;
    let free = -1;
    for (let way = 0; way < WAYS; way++) {
      const found = this.#words[fingerprints + way];
      if (found === fingerprint) return first + way;
      if (found === 0) return free < 0 ? first + way : free;
      if (free < 0 && (this.#doubles[tats + way] ?? 0) <= now) free = first + way;
    }
    if (free >= 0) return free;
    this.shared++;
    return this.#slots + ((lo ^ bucket) & (SHARED - 1));
  }

  /** The time of a key in the slot that {@link locate} gave; 0 when nobody has spent there. */
  tat(slot: number, lo: number): number {
    const isOwn = slot >= this.#slots || this.#words[wordOf(slot)] === (lo === 0 ? 1 : lo);
    return isOwn ? (this.#doubles[doubleOf(slot)] ?? 0) : 0;
  }

  /** Remembers a key's time. A slot that somebody took in between is left alone: then the key looks again. */
  put(key: { readonly lo: number; readonly hi: number; slot: number }, tat: number, now: number): void {
    const fingerprint = key.lo === 0 ? 1 : key.lo;
    const isTaken = key.slot < this.#slots && this.#words[wordOf(key.slot)] !== fingerprint;
    if (isTaken && (this.#doubles[doubleOf(key.slot)] ?? 0) > now)
      key.slot = this.locate(key.lo, key.hi, now);
    const at = doubleOf(key.slot);
    // A shared slot never goes back in time: it is somebody else's too.
    if (key.slot < this.#slots || tat > (this.#doubles[at] ?? 0)) this.#doubles[at] = tat;
    this.#words[wordOf(key.slot)] = fingerprint;
  }

  /** Forgets what a key has spent. A shared slot is freed for all who share it. */
  clear(lo: number, hi: number, now: number): void {
    const slot = this.locate(lo, hi, now);
    if (slot >= this.#slots || this.tat(slot, lo) > 0) this.#doubles[doubleOf(slot)] = 0;
  }

  /** Every entry whose time is still to come. O(size). */
  *live(now: number): Generator<SavedEntry> {
    for (let slot = 0; slot < this.#slots + SHARED; slot++) {
      const tat = this.#doubles[doubleOf(slot)] ?? 0;
      if (tat > now) yield { slot, fingerprint: this.#words[wordOf(slot)] ?? 0, tat };
    }
  }

  /** Puts an entry of {@link live} back into an empty table of the same size. @returns false when it has no such slot. */
  restore({ slot, fingerprint, tat }: SavedEntry): boolean {
    if (slot >= this.#slots + SHARED) return false;
    let to = slot;
    // Looking stops at the first slot that was never used, so a bucket has no holes.
    if (slot < this.#slots) {
      to = slot - (slot % WAYS);
      while (to < slot && this.#words[wordOf(to)] !== 0) to++;
    }
    this.#words[wordOf(to)] = fingerprint;
    this.#doubles[doubleOf(to)] = tat;
    return true;
  }
}

const wordOf = (slot: number): number => (slot >>> 5) * WORDS_PER_BUCKET + (slot & (WAYS - 1));

const doubleOf = (slot: number): number =>
  (slot >>> 5) * DOUBLES_PER_BUCKET + TATS_FROM + (slot & (WAYS - 1));
