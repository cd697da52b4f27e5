// Knows PocketBase's collections with their fields, rules, indexes and options, and follows their changes:
// PocketBase tells none, so it is asked. Each question is a line in PocketBase's log, so few are put.
import { isDeepStrictEqual } from "node:util";
import type { Log } from "../insight/log.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Collection } from "./collection.ts";
import { markOf, readCollections, readMark } from "./schemaReading.ts";
import type { SuperuserClient } from "./superuser.ts";
import { SuperuserError } from "./superuserError.ts";

/** Where to read from. */
export type LiveSchemaOptions = {
  readonly client: SuperuserClient;
  readonly log: Log;
  readonly clock?: Clock;
  /** Longest age of the schema without anybody's asking; 60 s when absent. */
  readonly refreshEveryMs?: number;
  /** Between two questions whether it has changed, while it is in use; 1.52 s when absent. */
  readonly checkEveryMs?: number;
};

/** The collections at one moment; never changed afterwards. */
export type Schema = {
  /** Grows with every difference; 0 before the first reading. */
  readonly version: number;
  /** In PocketBase's order of ids. A collection that stayed the same is the same object as before. */
  readonly collections: readonly Collection[];
  /**
   * The collection a path segment means: its exact id, or its name whatever the case, as PocketBase's routes
   * take it. Costs two look-ups at most.
   */
  find(segment: string): Collection | undefined;
};

/** The schema, kept. Empty until the first reading. */
export type LiveSchema = {
  /**
   * The schema for deciding about a request. Asking is what keeps it fresh: while it is asked for, a change made
   * past Hapta is seen 1.6 s later, at times 3.1 s, and otherwise within a minute. Costs one property test.
   */
  current(): Schema;
  /** As last read, without a claim to freshness. */
  all(): readonly Collection[];
  /** `find` of the schema as last read, without a claim to freshness. */
  find(segment: string): Collection | undefined;
  /** How long ago PocketBase was asked whether the schema is still its own, and said so; Infinity before that. */
  ageMs(): number;
  /**
   * Makes sure that the schema was PocketBase's at most `ageMsMax` before this call.
   * @returns Whether that is so; false when PocketBase can't be asked. Never rejects.
   */
  confirm(ageMsMax: number): Promise<boolean>;
  /**
   * Reads everything anew. Callers who come during a reading share the one after it, so what comes back is
   * never older than the call.
   *
   * @returns Whether it could be read; the schema stays as it was when not. Never rejects.
   */
  refresh(): Promise<boolean>;
  /** Calls `listener` after each reading that found a difference, until the returned function is called. */
  onChange(listener: () => void): () => void;
  /** Stops; the schema stays. */
  close(): void;
};

const REFRESH_EVERY_MS = 60_000;
// PocketBase writes its log after 3 s without a new line. One question in ten is left out, and two of these
// pauses are just longer than that.
const CHECK_EVERY_MS = 1_520;
const CHECKS_IN_A_ROW = 9;

/** Starts empty and reads at once. */
export function createLiveSchema(options: LiveSchemaOptions): LiveSchema {
  return new FollowedSchema(options);
}

class FollowedSchema implements LiveSchema {
  readonly #options: LiveSchemaOptions;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #schema: Schema = toSchema([], 0);
  #mark = "";
  /** Somebody asked since the last tick. */
  #isWanted = false;
  /** Nobody asked during a whole tick, so nothing was checked since. */
  #isIdle = true;
  #confirmedMs = Number.NEGATIVE_INFINITY;
  #readMs = Number.NEGATIVE_INFINITY;
  #checks = 0;
  #checking: Promise<void> | undefined;
  #reading: Promise<boolean> | undefined;
  #queued: Promise<boolean> | undefined;
  #isClosed = false;
  #isFailing = false;
  #callOff = (): void => undefined;

  constructor(options: LiveSchemaOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    void this.refresh();
    this.#schedule();
  }

  current(): Schema {
    if (!this.#isWanted) this.#wake();
    return this.#schema;
  }

  all(): readonly Collection[] {
    return this.#schema.collections;
  }

  find(segment: string): Collection | undefined {
    return this.#schema.find(segment);
  }

  ageMs(): number {
    return this.#clock.now() - this.#confirmedMs;
  }

  async confirm(ageMsMax: number): Promise<boolean> {
    const sinceMs = this.#clock.now() - ageMsMax;
    // A question under way may have been put too early.
    for (let tries = 0; tries < 2 && this.#confirmedMs < sinceMs; tries += 1) await this.#check();
    return this.#confirmedMs >= sinceMs;
  }

  refresh(): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    if (this.#reading === undefined) return this.#start();
    this.#queued ??= this.#reading.then(() => (this.#isClosed ? false : this.#start()));
    return this.#queued;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#callOff();
  }

  #wake(): void {
    this.#isWanted = true;
    if (!this.#isIdle) return;
    this.#isIdle = false;
    void this.#check();
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#callOff = this.#clock.after(this.#options.checkEveryMs ?? CHECK_EVERY_MS, () => {
      this.#tick();
      this.#schedule();
    });
  }

  #tick(): void {
    const everyMs = this.#options.refreshEveryMs ?? REFRESH_EVERY_MS;
    const isBreather = this.#checks >= CHECKS_IN_A_ROW;
    if (this.#clock.now() - this.#readMs >= everyMs && !isBreather) void this.refresh();
    else if (this.#isWanted && !isBreather) void this.#check();
    this.#checks = isBreather || !this.#isWanted ? 0 : this.#checks + 1;
    this.#isIdle = !this.#isWanted;
    this.#isWanted = false;
  }

  #check(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#checking ??= this.#askMark().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #askMark(): Promise<void> {
    const askedMs = this.#clock.now();
    try {
      const { text, isDoubtful } = await readMark(this.#options.client);
      if (text === this.#mark && !isDoubtful) this.#confirmedMs = askedMs;
      else await this.refresh();
    } catch (error) {
      tellFailure(this.#options.log, error, true);
    }
  }

  #start(): Promise<boolean> {
    this.#queued = undefined;
    this.#reading = this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<boolean> {
    const askedMs = this.#clock.now();
    const next = await readCollections(this.#options.client).catch((error: unknown) => {
      tellFailure(this.#options.log, error, this.#isFailing);
      return undefined;
    });
    this.#isFailing = next === undefined;
    if (this.#isClosed || next === undefined) return false;
    this.#take(next);
    this.#readMs = askedMs;
    this.#confirmedMs = askedMs;
    return true;
  }

  #take(read: readonly Collection[]): void {
    const { version, collections: old } = this.#schema;
    const known = new Map(old.map((collection) => [collection.id, collection]));
    const next = read.map((collection) => {
      const before = known.get(collection.id);
      return before !== undefined && isDeepStrictEqual(before.options, collection.options)
        ? before
        : collection;
    });
    this.#mark = markOf(read);
    if (next.length === old.length && next.every((collection, index) => collection === old[index])) return;
    this.#schema = toSchema(next, version + 1);
    for (const listener of [...this.#listeners]) listener();
  }
}

const toSchema = (collections: readonly Collection[], version: number): Schema => {
  const byId = new Map(collections.map((collection) => [collection.id, collection]));
  const byName = new Map(collections.map((collection) => [fold(collection.name), collection]));
  return { version, collections, find: (segment) => byId.get(segment) ?? byName.get(fold(segment)) };
};

const tellFailure = (log: Log, error: unknown, isRepeated: boolean): void => {
  // That PocketBase is away is said by those who watch it.
  const isAway = error instanceof SuperuserError && error.problem === "unreachable";
  log(isRepeated || isAway ? "debug" : "warn", "The list of collections cannot be read.", {
    reason: String(error),
  });
};

/**
 * Lower case as PocketBase compares names, with Go's simple case folding. Names are ASCII, and of the letters
 * beyond ASCII only the Kelvin sign and the long s fold into it.
 */
function fold(name: string): string {
  return name
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    .replaceAll("\u212a", "k")
    .replaceAll("\u017f", "s");
}
