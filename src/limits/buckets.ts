// Which buckets a request falls into: the rules that count for it, times whom each counts by. Hashes only; the table
// knows what was spent.
import { BLOCK_FACTORS, clipNetwork, isV6, readNetwork } from "../utils/addressBlocks.ts";
import { type Rate, toRate } from "./gcra.ts";
import { KeyHash } from "./keyHash.ts";
import type { Dimension, Rule } from "./rules.ts";

/** Who asks, as far as buckets are concerned. */
export interface Caller {
  /** Canonical client address. */
  readonly address: string;
  /** Collection and record id; undefined for guests. */
  readonly user: string | undefined;
  readonly session: string | undefined;
  readonly app: string | undefined;
  /** Room for the hashes of a caller that is kept and comes again; see {@link keepCaller}. */
  readonly hashes?: CallerHashes;
}

/** Hashes of one caller, by place; `made` has a bit for each that was made already. */
interface CallerHashes {
  owner: object | undefined;
  made: number;
  readonly los: Uint32Array;
  readonly his: Uint32Array;
}

/** The same caller, whose names are hashed once however often he comes. */
export const keepCaller = (caller: Caller): Caller => ({ ...caller, hashes: createHashes() });

/** The caller of whom only the address is known. */
export const guestAt = (address: string): Caller => ({
  address,
  user: undefined,
  session: undefined,
  app: undefined,
});

/** One rule that counts for a request, with what it costs there. */
export interface Charge {
  readonly rule: CompiledRule;
  /** Units; a fraction is fine. */
  readonly units: number;
  /** Texts for `By: "class"` and `By: "collection"`. */
  readonly routeClass: string;
  readonly collection: string;
}

/** A rule with its rates for a client and for the wider IPv6 blocks. */
export interface CompiledRule {
  readonly rule: Rule;
  readonly rates: readonly Rate[];
  readonly saltLo: number;
  readonly saltHi: number;
}

/** One bucket that a request falls into, with what it costs there. */
export interface Bucket {
  lo: number;
  hi: number;
  /** Where the table keeps it; for whoever looks it up. */
  slot: number;
  units: number;
  /** Its time, likewise. */
  tat: number;
  rate: Rate;
  rule: Rule;
  /** The client's own bucket, not that of a block around it: the one whose rest clients are told. */
  isMain: boolean;
}

type CallerDimension = Extract<Dimension, "address" | "user" | "session" | "app">;

/** Places of a caller's hashes: address and the two wider blocks, user, session, app. */
const PLACES = 6;

const createHashes = (): CallerHashes => ({
  owner: undefined,
  made: 0,
  los: new Uint32Array(PLACES),
  his: new Uint32Array(PLACES),
});

const PLACE = { address: 0, user: 3, session: 4, app: 5 } as const;

const TAG = {
  rule: 1,
  address: 2,
  network: 3,
  user: 4,
  session: 5,
  app: 6,
  class: 7,
  collection: 8,
} as const;

// Few texts come again and again: the last one's hash is at hand.
class LastText {
  readonly #hash: KeyHash;
  readonly #tag: number;
  #text: string | undefined;
  #lo = 0;
  #hi = 0;

  constructor(hash: KeyHash, tag: number) {
    this.#hash = hash;
    this.#tag = tag;
  }

  /** Leaves the hash of a text where a fresh one would be. */
  hash(text: string): void {
    if (text !== this.#text) {
      this.#hash.text(this.#tag, text);
      this.#text = text;
      this.#lo = this.#hash.lo;
      this.#hi = this.#hash.hi;
    }
    this.#hash.lo = this.#lo;
    this.#hash.hi = this.#hi;
  }
}

export class Buckets {
  readonly #hash: KeyHash;
  readonly #network = new Int32Array(2);
  // Grows to the most that a request ever needed.
  readonly #buckets: Bucket[] = [];
  // For callers that nobody keeps.
  readonly #scratch = createHashes();
  #hashes = this.#scratch;
  readonly #class: LastText;
  readonly #collection: LastText;
  /** Buckets of the request at hand. */
  count = 0;

  /** @param hashKey - Two random 32-bit numbers. */
  constructor(hashKey: readonly [number, number]) {
    this.#hash = new KeyHash(hashKey);
    this.#class = new LastText(this.#hash, TAG.class);
    this.#collection = new LastText(this.#hash, TAG.collection);
  }

  /** Makes a rule ready. The same name counts in the same buckets, so that settings may change without a reset. */
  compile(rule: Rule): CompiledRule {
    this.#hash.text(TAG.rule, `${rule.name}\n${rule.by.join()}`);
    const rates = BLOCK_FACTORS.map((factor) =>
      toRate({
        unitsMax: rule.unitsMax * factor,
        windowMs: rule.windowMs,
        burst: (rule.burst ?? rule.unitsMax) * factor,
      }),
    );
    return { rule, rates, saltLo: this.#hash.lo, saltHi: this.#hash.hi };
  }

  /** Bucket of the request at hand; undefined from `count` on. */
  at(index: number): Bucket | undefined {
    return index < this.count ? this.#buckets[index] : undefined;
  }

  /** Visits every bucket of the request at hand. */
  each(visit: (bucket: Bucket) => void): void {
    for (let i = 0; i < this.count; i++) {
      const bucket = this.#buckets[i];
      if (bucket !== undefined) visit(bucket);
    }
  }

  /**
   * Works the buckets of a request out; they are then the first `count` of {@link at}.
   * @param isBatch - Charges may fall into the same bucket, which is then asked for their sum.
   */
  collect(caller: Caller, charges: readonly Charge[], isBatch: boolean): void {
    this.count = 0;
    this.#hashes = caller.hashes ?? this.#scratch;
    if (this.#hashes === this.#scratch || this.#hashes.owner !== this) {
      this.#hashes.owner = this;
      this.#hashes.made = 0;
    }
    const hasBlocks = isV6(caller.address);
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i];
      if (charge === undefined) break;
      const levels = hasBlocks && countsByAddress(charge.rule.rule, caller) ? BLOCK_FACTORS.length : 1;
      for (let level = 0; level < levels; level++) this.#add(caller, charge, level);
    }
    if (isBatch) this.#merge();
  }

  #add(caller: Caller, { rule: compiled, units, routeClass, collection }: Charge, level: number): void {
    const { rule, rates } = compiled;
    let lo = compiled.saltLo;
    let hi = compiled.saltHi;
    for (let i = 0; i < rule.by.length; i++) {
      const dimension = rule.by[i];
      if (dimension === undefined || dimension === "global") continue;
      if (dimension === "class") this.#class.hash(routeClass);
      else if (dimension === "collection") this.#collection.hash(collection);
      else this.#hashCaller(caller, dimension, level);
      lo = Math.imul(lo ^ this.#hash.lo, 0x9e3779b1) >>> 0;
      hi = (Math.imul(hi ^ this.#hash.hi, 0x85ebca77) ^ (lo >>> 15)) >>> 0;
    }
    const rate = rates[level];
    if (rate === undefined) return;
    const isMain = level === 0 && !rule.isShadow;
    const bucket = this.#buckets[this.count];
    if (bucket === undefined) this.#buckets.push({ lo, hi, slot: 0, units, tat: 0, rate, rule, isMain });
    else {
      bucket.lo = lo;
      bucket.hi = hi;
      bucket.units = units;
      bucket.rate = rate;
      bucket.rule = rule;
      bucket.isMain = isMain;
    }
    this.count++;
  }

  // Leaves the hash where a fresh one would be. Who has no such name is counted by address.
  #hashCaller(caller: Caller, dimension: CallerDimension, level: number): void {
    const text = textOf(caller, dimension);
    const place = text === undefined ? level : PLACE[dimension];
    const hash = this.#hash;
    const { los, his } = this.#hashes;
    if ((this.#hashes.made & (1 << place)) === 0) {
      if (text !== undefined) hash.text(TAG[dimension], text);
      else if (isV6(caller.address)) this.#hashBlock(caller.address, level);
      else hash.text(TAG.address, caller.address);
      this.#hashes.made |= 1 << place;
      los[place] = hash.lo;
      his[place] = hash.hi;
    }
    hash.lo = los[place] ?? 0;
    hash.hi = his[place] ?? 0;
  }

  #hashBlock(address: string, level: number): void {
    readNetwork(address, this.#network);
    const [first = 0, second = 0] = this.#network;
    this.#hash.pair(TAG.network + 16 * level, first, clipNetwork(second, level));
  }

  // The parts of a batch may meet in one bucket: it is asked for their sum.
  #merge(): void {
    const all = this.#buckets.slice(0, this.count);
    const sums = new Map<string, Bucket>();
    for (const bucket of all) {
      const key = `${bucket.lo}/${bucket.hi}`;
      const sum = sums.get(key);
      if (sum === undefined) sums.set(key, bucket);
      else sum.units += bucket.units;
    }
    const kept = [...sums.values()];
    const spare = all.filter((bucket) => !kept.includes(bucket));
    this.#buckets.splice(0, this.count, ...kept, ...spare);
    this.count = kept.length;
  }
}

const countsByAddress = ({ by }: Rule, caller: Caller): boolean => {
  for (const dimension of by) {
    if (dimension === "address") return true;
    if (isAboutCaller(dimension) && textOf(caller, dimension) === undefined) return true;
  }
  return false;
};

const isAboutCaller = (dimension: Dimension): dimension is CallerDimension =>
  dimension === "user" || dimension === "session" || dimension === "app";

// Asked with every request: a member whose name is a value is found slowly.
const textOf = (caller: Caller, dimension: CallerDimension): string | undefined => {
  switch (dimension) {
    case "user":
      return caller.user;
    case "session":
      return caller.session;
    case "app":
      return caller.app;
    case "address":
      return undefined;
  }
};
