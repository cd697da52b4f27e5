// What a write to a collection may change, by the schema: the collection itself, and whatever refers to a record that
// goes. Knows no request.
import type { Collection } from "../pocketbase/collection.ts";

/** The dependency that stands for every record of a collection. */
export const recordsOf = (collectionId: string): string => `c:${collectionId}`;
/** What moves when nobody knows how one record has changed. */
export const recordOf = (collectionId: string, recordId: string): string => `x:${collectionId}/${recordId}`;
/** The collection's id in one of the two names before; undefined for other names. */
export const collectionIn = (name: string): string | undefined => /^[cx]:([^/]+)/.exec(name)?.[1];
/** The record's id in what {@link recordOf} gives; undefined for other names. */
export const recordIn = (name: string): string | undefined => /^x:[^/]+\/(.+)$/.exec(name)?.[1];
/** The dependency that stands for one record as the one who asks. */
export const callerOf = (collectionId: string, recordId: string): string => `r:${collectionId}/${recordId}`;
/** The one that stands for all of an auth collection's records as those who ask. */
export const callersOf = (collectionId: string): string => `r:${collectionId}`;
/** The dependency that stands for one record of those that an answer shows; some records have the same. */
export const memberOf = (collectionId: string, recordId: string): string =>
  `m:${collectionId}/${Bun.hash.crc32(recordId) % MEMBERS_MAX}`;
/** Members of a collection that are told apart: of records there is no end. */
const MEMBERS_MAX = 1_024;
/** The dependency of every answer. */
export const EVERYTHING = "*";

/** Of names that move, those for which answers wait: the collections. */
export const awaitedOf = (names: readonly string[]): readonly string[] => [
  ...new Set(names.map(collectionIn).flatMap((id) => (id === undefined ? [] : [recordsOf(id)]))),
];

/** Collections that hold rows about the records of auth collections. */
const ABOUT_ACCOUNTS = ["_externalAuths", "_mfas", "_otps", "_authOrigins"];

/** Answers a question about collections. */
interface SchemaView {
  readonly collections: readonly Collection[];
  find(segment: string): Collection | undefined;
}

/** What changes when records are created, or, with `recordId`, when that one is. */
export const changed = ({ id, type }: Collection, recordId: string | undefined): string[] => {
  if (recordId === undefined) return [recordsOf(id)];
  return type === "auth" ? [recordOf(id, recordId), callerOf(id, recordId)] : [recordOf(id, recordId)];
};

/** What changes when a record goes: itself, and what does along with it. */
export const deleted = (
  collection: Collection,
  recordId: string | undefined,
  schema: SchemaView,
): string[] => {
  const own = recordId === undefined ? recordsOf(collection.id) : recordOf(collection.id, recordId);
  return [...new Set([own, ...deletedAlong(collection, schema)])];
};

/** What changes besides when a record goes: references to it are unset, or go with it, and so on. */
export const deletedAlong = (collection: Collection, schema: SchemaView): string[] => {
  const names = new Set<string>();
  const going = new Set<Collection>([collection]);
  if (collection.type === "auth") names.add(callersOf(collection.id));
  // Grows while it is walked.
  for (const gone of going) {
    if (gone.type === "auth") for (const name of aboutAccounts(schema)) names.add(name);
    for (const other of schema.collections) {
      const reference = referenceTo(gone, other);
      if (reference === undefined) continue;
      addAll(names, other);
      if (reference === "cascade") going.add(other);
    }
  }
  return [...names];
};

/** What becomes of the records of `other` that refer to a record that goes. */
const referenceTo = ({ id }: Collection, other: Collection): "cascade" | "unset" | undefined => {
  if (other.type === "view") return undefined;
  const fields = other.fields.filter(
    ({ type, options }) => type === "relation" && options["collectionId"] === id,
  );
  if (fields.length === 0) return undefined;
  return fields.some(({ options }) => options["cascadeDelete"] === true) ? "cascade" : "unset";
};

const addAll = (names: Set<string>, { id, type }: Collection): void => {
  names.add(recordsOf(id));
  if (type === "auth") names.add(callersOf(id));
};

/** What each login, and each step of one, may change. */
export const aboutAccounts = (schema: Pick<SchemaView, "find">): string[] =>
  ABOUT_ACCOUNTS.flatMap((name) => {
    const collection = schema.find(name);
    return collection === undefined ? [] : [recordsOf(collection.id)];
  });
