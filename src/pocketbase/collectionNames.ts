// Knows which collections PocketBase has, so that a path's name and an event's id find each other.
// Holds no fields and no rules, and reads rarely: each reading is a line in PocketBase's log.
import type { Log } from "../insight/log.ts";
import { type Clock, systemClock } from "./clock.ts";
import { field, type SuperuserClient } from "./superuser.ts";
import { SuperuserError } from "./superuserError.ts";

/** One collection; `type` is `base`, `auth` or `view`. */
export type CollectionName = { readonly id: string; readonly name: string; readonly type: string };

/** Where to read from. */
export type CollectionNamesOptions = {
  readonly client: SuperuserClient;
  readonly log: Log;
  readonly clock?: Clock;
  /** Longest age of the list without anybody's asking; 60 s when absent. */
  readonly refreshEveryMs?: number;
};

/** The list, kept. Empty until the first reading. */
export type CollectionNames = {
  /** As last read, in PocketBase's order of ids. */
  all(): readonly CollectionName[];
  /**
   * The collection a path segment means: its exact id, or its name whatever the case, as PocketBase's routes
   * take it. Costs two look-ups at most.
   */
  find(segment: string): CollectionName | undefined;
  /**
   * Reads the list anew. Callers who come during a reading share the one after it, so what comes back is
   * never older than the call.
   *
   * @returns Whether it could be read; the list stays as it was when not. Never rejects.
   */
  refresh(): Promise<boolean>;
  /** Calls `listener` after each reading that found a difference, until the returned function is called. */
  onChange(listener: () => void): () => void;
  /** Stops; the list stays. */
  close(): void;
};

const REFRESH_EVERY_MS = 60_000;
const RETRY_MS = 5_000;
const PER_PAGE = 1_000; // PocketBase's own most
const PAGES_MAX = 20;

/** Starts with an empty list and reads it at once. */
export function createCollectionNames(options: CollectionNamesOptions): CollectionNames {
  const clock = options.clock ?? systemClock;
  const listeners = new Set<() => void>();
  let list: readonly CollectionName[] = [];
  let byId: ReadonlyMap<string, CollectionName> = new Map();
  let byName: ReadonlyMap<string, CollectionName> = new Map();
  let running: Promise<boolean> | undefined;
  let queued: Promise<boolean> | undefined;
  let isClosed = false;
  let isFailing = false;
  let callOff = (): void => undefined;

  const take = (next: readonly CollectionName[]): void => {
    const isSame = JSON.stringify(next) === JSON.stringify(list);
    list = next;
    byId = new Map(next.map((collection) => [collection.id, collection]));
    byName = new Map(next.map((collection) => [fold(collection.name), collection]));
    if (!isSame) for (const listener of [...listeners]) listener();
  };
  const read = async (): Promise<boolean> => {
    callOff();
    const next = await readAll(options.client).catch((error: unknown) => {
      tellFailure(options.log, error, isFailing);
      return undefined;
    });
    isFailing = next === undefined;
    if (isClosed) return false;
    if (next !== undefined) take(next);
    const everyMs = options.refreshEveryMs ?? REFRESH_EVERY_MS;
    callOff = clock.after(isFailing ? Math.min(everyMs, RETRY_MS) : everyMs, () => void refresh());
    return next !== undefined;
  };
  const start = (): Promise<boolean> => {
    queued = undefined;
    running = read().finally(() => {
      running = undefined;
    });
    return running;
  };
  const refresh = (): Promise<boolean> => {
    if (isClosed) return Promise.resolve(false);
    if (running === undefined) return start();
    queued ??= running.then(() => (isClosed ? false : start()));
    return queued;
  };
  void refresh();
  return {
    all: () => list,
    find: (segment) => byId.get(segment) ?? byName.get(fold(segment)),
    refresh,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      isClosed = true;
      listeners.clear();
      callOff();
    },
  };
}

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

async function readAll(client: SuperuserClient): Promise<CollectionName[]> {
  const found: CollectionName[] = [];
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const path = `/api/collections?fields=id,name,type&perPage=${PER_PAGE}&sort=id&page=${page}`;
    const { status, json } = await client.request("GET", path);
    const items = field(json, "items");
    const totalPages = field(json, "totalPages");
    if (status !== 200 || !Array.isArray(items) || typeof totalPages !== "number") {
      throw new Error(`PocketBase answered ${status} for the list of collections.`);
    }
    found.push(...items.map(toCollectionName));
    if (page >= totalPages) return found;
  }
  throw new Error(`PocketBase has more than ${PAGES_MAX * PER_PAGE} collections.`);
}

function toCollectionName(item: unknown): CollectionName {
  const [id, name, type] = [field(item, "id"), field(item, "name"), field(item, "type")];
  if (typeof id === "string" && typeof name === "string" && typeof type === "string") {
    return { id, name, type };
  }
  throw new Error("PocketBase listed a collection without id, name or type.");
}
