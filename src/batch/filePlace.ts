// What a file in the form of a batch belongs to: a field of the record that one of the items writes. Reads no file.
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
  const [, dotted, bracketed, field] = PART.exec(name) ?? [];
  if (field === undefined) return undefined;
  const [, collection = "", record] = RECORD.exec(items[Number(dotted ?? bracketed)]?.url ?? "") ?? [];
  return { collection, record, field };
};
