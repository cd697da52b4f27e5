// The `url` of a batch item: read by an anchored grammar and written anew from what was read.
import { namesSuperusers } from "../pocketbase/routes.ts";
import { canonicalPath } from "../utils/path.ts";
import { type ItemAnswer, NO_ACTION, NO_COLLECTION, SUPERUSERS_ONLY } from "./batchFaults.ts";

export type ItemUrl =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly answer: ItemAnswer };

// biome-ignore lint/suspicious/noControlCharactersInRegex: PocketBase refuses exactly these in a query.
const CONTROL = /[\x00-\x1f\x7f]/;

/**
 * Reads `/api/collections/{name or id}/records[/{id}][?query]`; whether the method fits is left to PocketBase.
 *
 * A fragment is cut off, as PocketBase does. An escape that is left in the collection segment after
 * canonicalisation is refused: PocketBase compares names with Unicode folding, so `_%C5%BFuperusers` (a long
 * s) may name the superusers, and no real name needs one.
 */
export const readItemUrl = (text: string, isAdmin: boolean): ItemUrl => {
  const mark = text.indexOf("?");
  const path = canonicalPath(mark < 0 ? text : text.slice(0, mark));
  const query = mark < 0 ? "" : (text.slice(mark).split("#", 1)[0] ?? "");
  if (path.kind !== "path" || CONTROL.test(query)) return { ok: false, answer: NO_ACTION };
  const [api, collections, collection, records, id, ...more] = path.segments;
  const isRecords = api === "api" && collections === "collections" && records === "records";
  if (!isRecords || collection === undefined || collection === "" || id === "" || more.length > 0) {
    return { ok: false, answer: NO_ACTION };
  }
  if (collection.includes("%")) return { ok: false, answer: NO_COLLECTION };
  if (namesSuperusers(collection) && !isAdmin) return { ok: false, answer: SUPERUSERS_ONLY };
  return {
    ok: true,
    url: `/api/collections/${collection}/records${id === undefined ? "" : `/${id}`}${query}`,
  };
};
