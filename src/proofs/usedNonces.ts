// Remembers which nonces were used, for as long as what carried them could be replayed. It never forgets early: when
// a bound is reached, everything new is refused until time has made room. Judges no signatures.
import { createHash } from "node:crypto";

/** How much is remembered. */
export interface NonceLimits {
  /** How far a time of creation may lie from now, in either direction, in ms. */
  readonly windowMs: number;
  /** Nonces of one owner (an app, a key) within the window. */
  readonly perOwnerMax: number;
  /** Nonces of all owners together; about 130 bytes each, however long they are. */
  readonly totalMax: number;
}

/** A nonce as it was presented. */
export interface NonceUse {
  readonly owner: string;
  readonly nonce: string;
  /** When its carrier was made, by its own word; must be signed together with the nonce. Unix ms. */
  readonly createdMs: number;
  readonly nowMs: number;
}

/**
 * - `fresh`: taken; the next use is a replay.
 * - `used`: a replay.
 * - `full`: cannot be remembered, so it must be refused.
 * - `closed`: made outside the window, or at a time of which the memory is gone.
 */
export type NonceVerdict = "fresh" | "used" | "full" | "closed";

/** A replay carries the same time of creation, so one bucket is looked at; a bucket is forgotten as a whole. */
const BUCKET_MS = 10_000;

type Bucket = Map<string, Set<string>>;

export class UsedNonces {
  readonly #limits: NonceLimits;
  readonly #buckets = new Map<number, Bucket>();
  #total = 0;
  /** What was made before may have been used and forgotten. */
  #floorMs: number;

  /** @param startedMs - Unix ms; what was made before belongs to an earlier process and is refused. */
  constructor(limits: NonceLimits, startedMs: number) {
    this.#limits = limits;
    this.#floorMs = Math.floor(startedMs / 1000) * 1000;
  }

  /** Takes a nonce. Call it last, when everything else about its carrier has been found right. */
  take({ owner, nonce: text, createdMs, nowMs }: NonceUse): NonceVerdict {
    const { windowMs, perOwnerMax, totalMax } = this.#limits;
    this.#forget(nowMs);
    if (!(createdMs >= this.#floorMs && Math.abs(nowMs - createdMs) <= windowMs)) return "closed";
    const index = Math.floor(createdMs / BUCKET_MS);
    const nonce = createHash("sha256").update(text).digest("base64url").slice(0, 22);
    if (this.#buckets.get(index)?.get(owner)?.has(nonce) === true) return "used";
    if (this.#total >= totalMax || this.#countOf(owner) >= perOwnerMax) return "full";
    const bucket = this.#buckets.get(index) ?? new Map<string, Set<string>>();
    const nonces = bucket.get(owner) ?? new Set<string>();
    this.#buckets.set(index, bucket.set(owner, nonces.add(nonce)));
    this.#total++;
    return "fresh";
  }

  /** How many are remembered. */
  get size(): number {
    return this.#total;
  }

  #countOf(owner: string): number {
    let count = 0;
    for (const bucket of this.#buckets.values()) count += bucket.get(owner)?.size ?? 0;
    return count;
  }

  // At most a dozen buckets. Those of the future are left over from a clock that was set back.
  #forget(nowMs: number): void {
    const { windowMs } = this.#limits;
    for (const [index, bucket] of this.#buckets) {
      const [startMs, endMs] = [index * BUCKET_MS, (index + 1) * BUCKET_MS];
      if (endMs + windowMs >= nowMs && startMs - windowMs <= nowMs) continue;
      // Should the clock go back, what was forgotten stays closed.
      if (endMs + windowMs < nowMs) this.#floorMs = Math.max(this.#floorMs, endMs);
      for (const nonces of bucket.values()) this.#total -= nonces.size;
      this.#buckets.delete(index);
    }
  }
}
