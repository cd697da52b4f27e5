// What a file in the form of a batch belongs to: a field of the record that one of the items writes. Reads no file.
import type { BatchFile } from "./batchFiles.ts";
import type { BatchItem } from "./batchItems.ts";

/** A field of a record, in the words of the request. */
export interface FilePlace {
  /** Name or id of the collection; "" when the item names none. */
  readonly collection: string;
  /** Undefined for a new record. */
  readonly record: string | undefined;
  /** Modifiers such as `+` included. */
  readonly field: string;
}

const PART = /^requests(?:\.(\d{1,4})|\[(\d{1,4})\])\.(.+)$/;
const RECORD = /^\/api\/collections\/([^/?]+)\/records(?:\/([^/?]+))?(?:\?|$)/;

/** @param name - Of the part, such as `requests.0.avatar`. @returns undefined for a name that is none of a file's. */
export const filePlaceOf = (items: readonly BatchItem[], name: string): FilePlace | undefined => {
  const target = targetOf(name);
  if (target === undefined) return undefined;
  const [, collection = "", record] = RECORD.exec(items[target.index]?.url ?? "") ?? [];
  return { collection, record, field: target.field };
};

/** The files of each item, by its index: their fields, modifiers included, and bytes; in the order they came. O(files). */
export const filesByItem = (
  files: readonly BatchFile[],
): ReadonlyMap<number, readonly { readonly field: string; readonly bytes: number }[]> => {
  const byItem = new Map<number, { field: string; bytes: number }[]>();
  for (const { name, bytes } of files) {
    const target = targetOf(name);
    if (target === undefined) continue;
    const { index, field } = target;
    byItem.set(index, [...(byItem.get(index) ?? []), { field, bytes }]);
  }
  return byItem;
};

const targetOf = (name: string): { readonly index: number; readonly field: string } | undefined => {
  const [, dotted, bracketed, field] = PART.exec(name) ?? [];
  return field === undefined ? undefined : { index: Number(dotted ?? bracketed), field };
};
