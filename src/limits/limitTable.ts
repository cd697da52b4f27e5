// The memory of the limits: one time (GCRA's "theoretical arrival time") for each key, in a table of fixed size.
// Knows nothing of rules; whoever asks brings hashes made with a secret key.

/** Slots of one bucket: two cache lines of fingerprints. */
const WAYS = 32;
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
  readonly #fingerprints: Uint32Array;
  readonly #tats: Float64Array;
  readonly #buckets: number;
  readonly #slots: number;
  /** How often a key had to share. */
  shared = 0;

  /** @param keysMax - Keys that fit at the same time; about 20 bytes each, touched as they come. */
  constructor(keysMax: number) {
    this.#buckets = Math.max(1, Math.ceil((keysMax * SLOTS_PER_KEY) / WAYS));
    this.#slots = this.#buckets * WAYS;
    this.#fingerprints = new Uint32Array(this.#slots + SHARED);
    this.#tats = new Float64Array(this.#slots + SHARED);
  }

  /** Slots without the shared ones; two tables of one size hold the same keys in the same places. */
  get size(): number {
    return this.#slots;
  }

  /** Bytes set aside. */
  get bytes(): number {
    return this.#fingerprints.byteLength + this.#tats.byteLength;
  }

  /**
   * The slot of a key: the one it has, else one it may have. Takes nothing; {@link put} does.
   * @param lo - Becomes the fingerprint. @param hi - Chooses the bucket. Both unsigned 32-bit numbers.
   */
  locate(lo: number, hi: number, now: number): number {
    const fingerprint = lo === 0 ? 1 : lo;
    const bucket = Math.floor((hi * this.#buckets) / 0x1_0000_0000);
    const first = bucket * WAYS;
    const fingerprints = this.#fingerprints;
    let free = -1;
    for (let slot = first; slot < first + WAYS; slot++) {
      const found = fingerprints[slot];
      if (found === fingerprint) return slot;
      if (found === 0) return free < 0 ? slot : free;
      if (free < 0 && (this.#tats[slot] ?? 0) <= now) free = slot;
    }
    if (free >= 0) return free;
    this.shared++;
    return this.#slots + ((lo ^ bucket) & (SHARED - 1));
  }

  /** The time of a key in the slot that {@link locate} gave; 0 when nobody has spent there. */
  tat(slot: number, lo: number): number {
    const isOwn = slot >= this.#slots || this.#fingerprints[slot] === (lo === 0 ? 1 : lo);
    return isOwn ? (this.#tats[slot] ?? 0) : 0;
  }

  /** Remembers a key's time. A slot that somebody took in between is left alone: then the key looks again. */
  put(key: { readonly lo: number; readonly hi: number; slot: number }, tat: number, now: number): void {
    const fingerprint = key.lo === 0 ? 1 : key.lo;
    if (
      key.slot < this.#slots &&
      this.#fingerprints[key.slot] !== fingerprint &&
      (this.#tats[key.slot] ?? 0) > now
    ) {
      key.slot = this.locate(key.lo, key.hi, now);
    }
    // A shared slot never goes back in time: it is somebody else's too.
    if (key.slot < this.#slots || tat > (this.#tats[key.slot] ?? 0)) this.#tats[key.slot] = tat;
    this.#fingerprints[key.slot] = fingerprint;
  }

  /** Forgets what a key has spent. A shared slot is freed for all who share it. */
  clear(lo: number, hi: number, now: number): void {
    const slot = this.locate(lo, hi, now);
    if (slot >= this.#slots || this.tat(slot, lo) > 0) this.#tats[slot] = 0;
  }

  /** Every entry whose time is still to come. O(size). */
  *live(now: number): Generator<SavedEntry> {
    for (let slot = 0; slot < this.#tats.length; slot++) {
      const tat = this.#tats[slot] ?? 0;
      if (tat > now) yield { slot, fingerprint: this.#fingerprints[slot] ?? 0, tat };
    }
  }

  /** Puts an entry of {@link live} back into an empty table of the same size. @returns false when it has no such slot. */
  restore({ slot, fingerprint, tat }: SavedEntry): boolean {
    if (slot >= this.#tats.length) return false;
    let to = slot;
    // Looking stops at the first slot that was never used, so a bucket has no holes.
    if (slot < this.#slots) to = this.#fingerprints.indexOf(0, slot - (slot % WAYS));
    if (to < 0 || to > slot) return false;
    this.#fingerprints[to] = fingerprint;
    this.#tats[to] = tat;
    return true;
  }
}
