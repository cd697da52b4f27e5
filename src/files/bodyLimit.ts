// The largest body that PocketBase reads for a record of a collection, so that a larger one is refused at its head.
import {
  type Collection,
  type CollectionField,
  fileBytesMax,
  numberOption,
} from "../pocketbase/collection.ts";

const MIB = 1_048_576;
/** PocketBase's limit for any body; what fields may hold comes on top. */
const BASE_BYTES = 32 * MIB;
/** Default of an editor text and (before 0.28) a JSON value. */
const FIELD_BYTES = 5 * MIB;

/**
 * Bytes that PocketBase takes at least for one record: never less than its own bound, because from there on it answers
 * 413 to everybody, whatever the rules say (`dynamicCollectionBodyLimit`, 0.23 to 0.40).
 */
export const recordBodyBytesMax = ({ fields }: Collection): number =>
  fields.reduce((bytes, field) => bytes + fieldBytesMax(field), BASE_BYTES);

const fieldBytesMax = (field: CollectionField): number => {
  if (field.type === "file") return fileBytesMax(field) * Math.max(numberOption(field, "maxSelect") ?? 1, 1);
  const bytes = Math.max(numberOption(field, "maxSize") || FIELD_BYTES, 0);
  return field.type === "json" || field.type === "editor" ? bytes : 0;
};
