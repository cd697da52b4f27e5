// Which records a list is about, when its answer shows all of them. Keeps nothing.
import { tailOf } from "./pageTotal.ts";

/** Longer lists, and longer answers, are not looked through. */
const RECORDS_MAX = 32;
const BODY_BYTES_MAX = 262_144;

/**
 * The ids of all records that a list has, in their order, at most 32; undefined when there are more than the answer shows,
 * or it does not say. PocketBase counts and reads at two moments: an answer that says it shows as many as there are is right
 * about that, or one that it shows has gone since.
 */
export const wholeListOf = (body: Uint8Array): readonly string[] | undefined => {
  const tail = body.length > BODY_BYTES_MAX ? undefined : tailOf(body);
  if (tail === undefined || tail.page !== "1" || tail.totalItems > RECORDS_MAX) return undefined;
  const { perPage, totalItems } = tail;
  if (totalItems > perPage) return undefined;
  const ids = idsIn(body);
  if (ids === undefined || ids.length > RECORDS_MAX) return undefined;
  // Without a total, only a page that is not full is surely the last.
  const isWhole = totalItems < 0 ? ids.length < perPage : ids.length === totalItems;
  return isWhole && ids.every(isId) ? ids : undefined;
};

const idsIn = (body: Uint8Array): readonly unknown[] | undefined => {
  try {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
    const { items } = JSON.parse(text) as { readonly items: readonly { readonly id?: unknown }[] };
    return items.map(({ id }) => id);
  } catch {
    return undefined; // code of the app's own answered
  }
};

const isId = (id: unknown): id is string => typeof id === "string" && id !== "";
