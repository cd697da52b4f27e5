// What a write to a collection may change, by the schema: the collection itself, and whatever refers to a record that
// goes. Knows no request.
import type { Collection } from "../pocketbase/collection.ts";

/** The dependency that stands for every record of a collection. */
export const recordsOf = (collectionId: string): string => `c:${collectionId}`;
/** The dependency that stands for one record as the one who asks. */
export const callerOf = (collectionId: string, recordId: string): string => `r:${collectionId}/${recordId}`;
/** The one that stands for all of an auth collection's records as those who ask. */
export const callersOf = (collectionId: string): string => `r:${collectionId}`;
/** The dependency of every answer. */
export const EVERYTHING = "*";

/** Collections that hold rows about the records of auth collections. */
const ABOUT_ACCOUNTS = ["_externalAuths", "_mfas", "_otps", "_authOrigins"];

/** Answers a question about collections. */
interface SchemaView {
  readonly collections: readonly Collection[];
  find(segment: string): Collection | undefined;
}

/** What changes when records are created, or, with `recordId`, when that one is. */
export const changed = ({ id, type }: Collection, recordId: string | undefined): string[] =>
  type === "auth" && recordId !== undefined ? [recordsOf(id), callerOf(id, recordId)] : [recordsOf(id)];

/** What changes when a record goes: references to it are unset, or go with it, and so on. */
export const deleted = (collection: Collection, schema: SchemaView): string[] => {
  const names = new Set<string>();
  const going = new Set<Collection>([collection]);
  // Grows while it is walked.
  for (const gone of going) {
    addAll(names, gone);
    if (gone.type === "auth") for (const name of aboutAccounts(schema)) names.add(name);
    for (const other of schema.collections) {
      const reference = referenceTo(gone, other);
      if (reference === "cascade") going.add(other);
      else if (reference === "unset") addAll(names, other);
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
