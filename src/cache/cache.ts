// The cache: kept answers, fills under way, the versions both depend on, and what it counts. Knows no rules and no
// callers: a key already says who may share what lies under it.
import { type Ask, askPage } from "./askPage.ts";
import { Changes } from "./changes.ts";
import type { Coding } from "./codings.ts";
import { Encoder } from "./encoder.ts";
import type { Entry, Kept, ReadMark } from "./entry.ts";
import { type Fill, Flights } from "./flights.ts";
import { KeptRefreshes } from "./keptRefreshes.ts";
import type { SelfCheck } from "./selfCheck.ts";
import { EntryStore } from "./store.ts";
import { Totals } from "./totals.ts";
import { WritesUnderway } from "./underway.ts";
import { type Lease, Versions } from "./versions.ts";

/** What the cache has done since it was started. */
export interface CacheCounts {
  hits: number;
  misses: number;
  /** Misses that waited for somebody else's fill. */
  joined: number;
  bypasses: number;
  /** Answers that were not kept because something moved while they were made. */
  broken: number;
  /** Answers that were fetched anew after something had moved under a kept one, and those that came back the same. */
  renewed: number;
  needless: number;
  /** Hits that were compared with PocketBase, and those that differed. */
  verified: number;
  /** Kept answers that were given because PocketBase failed. */
  stale: number;
  violations: number;
}

/** How to build a cache. */
export interface CacheOptions {
  readonly bytesMax: number;
  /** Content codings that variants are made in; none unless told. */
  readonly codings?: readonly Coding[];
  readonly nowMs?: () => number;
}

/** A read that the cache shall answer. */
export interface CacheRead extends ReadMark {
  readonly lease: Lease;
  readonly ask: Ask;
  readonly keeps: (status: number) => boolean;
  /** Names the total of a list, and who may share it; undefined where the answer has none. */
  readonly totalKey?: string | undefined;
  /** Nothing that was asked for before will do. */
  readonly isForced?: boolean;
  /** Everybody may read the answer. */
  readonly isPublic?: boolean;
  /** Names of all that a kept answer depends on, when they are fewer, now that it is known; undefined otherwise. */
  readonly narrowed?: ((kept: Kept) => readonly string[] | undefined) | undefined;
}

/** Keys whose answers turned out not to be for keeping are not filled again for this long. */
const LOOSE_MS = 30_000;
const LOOSE_MAX = 10_000;
/** Keys whose last answer is remembered by its tag, to see whether the next one is another. */
const MOVED_MAX = 10_000;

/** Shares of the memory that is not for entries: of totals, of the names that answers depend on, and of remembered plans. */
const TOTALS_SHARE = 1 / 32;
const NAMES_SHARE = 1 / 8;
export const PLANS_SHARE = 1 / 16;
const ENTRIES_SHARE = 1 - TOTALS_SHARE - NAMES_SHARE - PLANS_SHARE;
/** For a whole page; what takes longer flows on as it comes. */
const PAGE_TIMEOUT_MS = 30_000;

type KeyHash = ReturnType<typeof Bun.hash>;

export class Cache {
  readonly versions: Versions;
  readonly changes: Changes;
  readonly underway: WritesUnderway;
  readonly store: EntryStore;
  readonly totals: Totals;
  readonly refreshes = new KeptRefreshes();
  readonly #encoder: Encoder | undefined;
  readonly counts: CacheCounts = {
    hits: 0,
    misses: 0,
    joined: 0,
    bypasses: 0,
    broken: 0,
    renewed: 0,
    needless: 0,
    verified: 0,
    stale: 0,
    violations: 0,
  };
  /** Ids of collections that PocketBase shows differently each time: nothing that depends on them is kept. */
  readonly unsteady = new Set<string>();
  /** Undefined until the check at the start is over. */
  selfCheck: SelfCheck | undefined;
  readonly #flights = new Flights();
  // Keys may be long, and of these nobody needs to know more than whether it is the same.
  readonly #moved = new Map<KeyHash, string>();
  readonly #looseUntilMs = new Map<KeyHash, number>();
  readonly #nowMs: () => number;

  constructor({ bytesMax, codings = [], nowMs = Date.now }: CacheOptions) {
    this.#nowMs = nowMs;
    this.versions = new Versions({
      nowMs,
      bytesMax: bytesMax * NAMES_SHARE,
      wanted: () => this.store.given().map(({ lease }) => lease),
    });
    this.totals = new Totals(bytesMax * TOTALS_SHARE);
    this.store = new EntryStore(bytesMax * ENTRIES_SHARE);
    this.#encoder = codings.length > 0 ? new Encoder(this.store, codings) : undefined;
    this.changes = new Changes(this.versions);
    this.underway = new WritesUnderway((names, cause) => this.changes.moveUntold(names, cause));
  }

  /** The answer under a key, if nothing it depends on has moved. */
  find(key: string): Entry | undefined {
    const entry = this.store.use(key);
    if (entry === undefined) return undefined;
    if (entry.lease.holds()) return entry;
    // What nobody is known to have changed may be wanted when PocketBase fails.
    if (entry.lease.holdsAsFarAsKnown()) return undefined;
    this.store.delete(key);
    if (this.#moved.size >= MOVED_MAX) this.#moved.clear();
    this.#moved.set(Bun.hash(key), entry.etag);
    return undefined;
  }

  /** An entry in the content coding that suits a client, when that is there. */
  encoded(entry: Entry, acceptEncoding: string | undefined): Kept {
    return entry.variants === undefined ? entry : (this.#encoder?.choose(entry, acceptEncoding) ?? entry);
  }

  /** The fill under way for a key that a reader of this moment may wait for. */
  join(key: string): Promise<Fill> | undefined {
    return this.#flights.join(key);
  }

  /** Asks, and keeps what may be kept. Rejects as `ask` does. */
  fill(read: CacheRead): Promise<Fill> {
    const { key, name, lease, keeps, isPublic = false, narrowed } = read;
    const mark = { key, name };
    const fill = this.#flights.start({
      mark,
      lease,
      ask: () => this.#ask(read),
      keeps,
      isPublic,
      isEncodable: isPublic && this.#encoder !== undefined,
      bodyBytesMax: this.store.entryBytesMax,
      store: (kept) => this.#keep(mark, kept, { lease, narrowed }),
    });
    fill.then(
      ({ kind }) => {
        if (kind === "loose") this.#noteLoose(key);
      },
      () => undefined,
    );
    return fill;
  }

  /** Whether the answer under this key was too large to be held a moment ago. */
  isLoose(key: string): boolean {
    if (this.#looseUntilMs.size === 0) return false;
    const hash = Bun.hash(key);
    const untilMs = this.#looseUntilMs.get(hash);
    if (untilMs === undefined) return false;
    if (untilMs > this.#nowMs()) return true;
    this.#looseUntilMs.delete(hash);
    return false;
  }

  /** Forgets the entries that `test` accepts, and what is being fetched for them. @returns how many. O(n). */
  purge(test: (read: ReadMark) => boolean): number {
    this.#flights.drop(test);
    // Whatever made a page wrong may have made its total wrong; they are soon counted again.
    this.totals.clear();
    this.refreshes.clear();
    let count = 0;
    for (const entry of this.store.all()) if (test(entry) && this.store.delete(entry.key)) count += 1;
    return count;
  }

  #ask({ ask, lease, totalKey, isForced = false }: CacheRead): ReturnType<Ask> {
    if (totalKey === undefined) return ask(false);
    const limits = { bytesMax: this.store.entryBytesMax, timeoutMs: PAGE_TIMEOUT_MS };
    return askPage({ totals: this.totals, totalKey, lease, ask, isForced, limits });
  }

  #keep(
    mark: ReadMark,
    kept: Kept,
    { lease: wide, narrowed }: Pick<CacheRead, "lease" | "narrowed">,
  ): boolean {
    if (!wide.holds()) {
      this.counts.broken += 1;
      return false;
    }
    // Nothing may happen between the look at the one and the making of the other.
    const names = narrowed?.(kept);
    const lease = names === undefined ? wide : this.versions.lease(names);
    this.#noteRenewal(mark.key, kept.etag);
    this.store.put({ ...kept, ...mark, lease, storedMs: this.#nowMs(), hits: 0, isUsed: false });
    return this.store.peek(mark.key) !== undefined;
  }

  #noteRenewal(key: string, etag: string): void {
    if (this.#moved.size === 0) return;
    const hash = Bun.hash(key);
    const before = this.#moved.get(hash);
    if (before === undefined) return;
    this.#moved.delete(hash);
    this.counts.renewed += 1;
    if (before === etag) this.counts.needless += 1;
  }

  #noteLoose(key: string): void {
    if (this.#looseUntilMs.size >= LOOSE_MAX) this.#looseUntilMs.clear();
    this.#looseUntilMs.set(Bun.hash(key), this.#nowMs() + LOOSE_MS);
  }
}
