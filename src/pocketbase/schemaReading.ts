// The two questions about the schema that Hapta puts to PocketBase: all of it, and whether it has changed. Both
// leave a line in PocketBase's log. Keeps nothing.
import { type Collection, toCollection } from "./collection.ts";
import { field, type SuperuserClient } from "./superuser.ts";

const PER_PAGE = 1_000; // PocketBase's own most
const PAGES_MAX = 20;
const CHECK_DEADLINE_MS = 1_500;
/** Collections that are taken apart before others have a turn: less than a millisecond's work. */
const AT_ONCE = 20;
const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Reads every collection, in PocketBase's order of ids. Costs PocketBase some 0.3 ms a collection.
 * @throws SuperuserError, or Error when PocketBase answers anything else but a list.
 */
export const readCollections = async (client: SuperuserClient): Promise<Collection[]> => {
  const found: Collection[] = [];
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const { status, json } = await client.request(
      "GET",
      `/api/collections?perPage=${PER_PAGE}&sort=id&page=${page}`,
    );
    const items = field(json, "items");
    const totalPages = field(json, "totalPages");
    if (status !== 200 || !Array.isArray(items) || typeof totalPages !== "number")
      throw new Error(`PocketBase answered ${status} for the list of collections.`);
    for (const [index, item] of items.entries()) {
      if (index % AT_ONCE === 0) await pause();
      found.push(toCollection(item));
    }
    if (page >= totalPages) return found;
  }
  throw new Error(`PocketBase has more than ${PAGES_MAX * PER_PAGE} collections.`);
};

/** What changes with every save, creation and removal of a collection, as long as PocketBase's clock goes on. */
export interface SchemaMark {
  /** Stamp of the newest save, and the number of collections. */
  readonly text: string;
  /** PocketBase's clock is behind that stamp, so the next save may not show. */
  readonly isDoubtful: boolean;
}

/** The mark of a list that was read whole. */
export const markOf = (collections: readonly Collection[]): string => {
  const stamps = collections.map(({ updated }) => updated).sort();
  return toMark(stamps.at(-1) ?? "", collections.length);
};

const toMark = (updated: string, count: number): string => `${updated} ${count}`;

/**
 * Asks for the mark alone. Costs PocketBase about 1 ms, however many collections there are.
 * @throws SuperuserError, or Error when PocketBase answers anything else but a list.
 */
export const readMark = async (client: SuperuserClient): Promise<SchemaMark> => {
  const { status, json, headers } = await client.call({
    method: "GET",
    path: "/api/collections?fields=id,updated&perPage=1&sort=-updated",
    deadlineMs: CHECK_DEADLINE_MS,
  });
  const items = field(json, "items");
  const count = field(json, "totalItems");
  if (status !== 200 || !Array.isArray(items) || typeof count !== "number")
    throw new Error(`PocketBase answered ${status} when asked about its collections.`);
  const updated = String(field(items[0], "updated") ?? "");
  // The header has whole seconds.
  const nowMs = Date.parse(headers.get("date") ?? "") + 1_000;
  const newestMs = Date.parse(updated.replace(" ", "T"));
  return { text: toMark(updated, count), isDoubtful: !(nowMs >= newestMs) };
};
