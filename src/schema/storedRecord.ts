// What is stored, beside a change: whether the fields that a change leaves alone are fine, and what a rule would read in
// them. Asks nobody.
import { type Collection, type CollectionField, isMultiple } from "../pocketbase/collection.ts";
import { toCheck } from "./collectionSchema.ts";

/** A record as PocketBase shows it to whoever changes it. */
export type StoredRecord = Readonly<Record<string, unknown>>;

/**
 * Whether PocketBase shows all of such records that {@link isSoundBeside} has to see.
 * @param isSuperuser - Sees hidden fields.
 */
export const isWhollyShown = (collection: Collection, isSuperuser: boolean): boolean =>
  collection.fields.every((field) => {
    const isShown = field.type !== "password" && (isSuperuser || !field.isHidden);
    return isShown || isOwnSecret(collection, field) || isUnbounded(field);
  });

/**
 * Whether PocketBase has surely nothing against the fields of a stored record that a change does not touch. It looks at
 * them too, and finds what was stored before the schema became stricter. Relations are taken to lead somewhere: PocketBase
 * keeps them so. O(size).
 *
 * @param touched - Names of the fields that the change sets.
 */
export const isSoundBeside = (
  collection: Collection,
  stored: StoredRecord,
  touched: (name: string) => boolean,
): boolean =>
  collection.fields.every(
    (field) => touched(field.name) || isOwnSecret(collection, field) || isSound(field, stored),
  );

/** What every login has, and PocketBase never shows. */
const isOwnSecret = ({ type }: Collection, { name, isSystem }: CollectionField): boolean =>
  type === "auth" && isSystem && (name === "password" || name === "tokenKey");

const BOUNDS = ["min", "max", "maxSize", "maxSelect", "pattern", "onlyDomains", "exceptDomains"];

/** Whatever is stored in it is fine. Of a password that is a hash, which has no bounds. */
const isUnbounded = ({ isRequired, options, type }: CollectionField): boolean =>
  !isRequired && (type === "password" || BOUNDS.every((name) => isEmptyOption(options[name])));

const isEmptyOption = (option: unknown): boolean =>
  option === undefined || option === null || option === 0 || option === "" || isEmptyList(option);
const isEmptyList = (option: unknown): boolean => Array.isArray(option) && option.length === 0;

const isSound = (field: CollectionField, stored: StoredRecord): boolean => {
  const { name, type, isRequired } = field;
  if (name === "id" || type === "autodate") return true;
  if (!Object.hasOwn(stored, name)) return isUnbounded(field);
  const value = stored[name];
  if (type === "file") return !isRequired || (Array.isArray(value) ? value.length > 0 : value !== "");
  const verdict = toCheck(field, "update")(value);
  return verdict === undefined || (verdict === "unsure" && type === "relation");
};

/** Types whose text is stored and compared as it is shown. */
const PLAIN = new Set(["text", "email", "url", "select", "relation"]);

/** The text of a stored field; undefined for what is not shown, and for every type that is compared otherwise. */
export const storedText = (
  { fieldByName }: Collection,
  stored: StoredRecord,
  name: string,
): string | undefined => {
  const field = fieldByName.get(name);
  if (field === undefined || !PLAIN.has(field.type) || isMultiple(field)) return undefined;
  const value = Object.hasOwn(stored, name) ? stored[name] : undefined;
  return typeof value === "string" ? value : undefined;
};
