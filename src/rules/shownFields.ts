// Which fields of a collection's records an answer shows. Expanded records are not its business.
import type { Collection } from "../pocketbase/collection.ts";
import { parseFields } from "./parseFields.ts";

/**
 * The fields that a `fields` text picks from records of a collection; undefined for all of them, and for whatever is not
 * understood. Names that are no fields pick nothing.
 */
export const shownFields = (text: string, collection: Collection): ReadonlySet<string> | undefined => {
  // Who sees an address is decided by another field and by rules.
  if (text === "" || collection.type !== "base") return undefined;
  const parsed = parseFields(text);
  if (!parsed.ok || parsed.value.length === 0) return undefined;
  const names = parsed.value.map(({ path }) => path[0] ?? "");
  if (!names.every((name) => /^\w+$/.test(name))) return undefined;
  return new Set(names.filter((name) => collection.fieldByName.has(name)));
};
