// Whether a caller satisfies an API rule, as far as that follows from who it is and from what a new record says. Asks
// nobody, and is certain or says so.
import type { Collection } from "../pocketbase/collection.ts";
import { parseRule } from "./parseFilter.ts";
import { type Known, toKnown, type ValueOf, verdictOf } from "./verdict.ts";

/** A caller: nobody, or a record of an auth collection; without an `id` it may be any of them. */
export type CallerKind =
  | { readonly kind: "guest" }
  | {
      readonly kind: "record";
      readonly id?: string;
      readonly collectionId: string;
      readonly collectionName: string;
    };

/** Something, but nobody knows what. */
const SOMETHING: Known = { kind: "value", text: undefined };
const EMPTY: Known = { kind: "empty" };

/**
 * Whether the rule could hold for such a caller, whatever the records hold. A rule that cannot be parsed could.
 * @param rule - An API rule that is neither null nor empty.
 * @param collection - The collection the rule belongs to; its required fields are never empty.
 */
export const mayPass = (rule: string, caller: CallerKind, collection: Collection): boolean => {
  const fieldValue: ValueOf = (name) => {
    // An id or a required relation of the record itself is never empty; any other type has other empty values.
    const field = collection.fieldByName.get(name);
    const isFilled = field?.name === "id" || (field?.type === "relation" && field.isRequired);
    return isFilled ? SOMETHING : undefined;
  };
  return passes(rule, caller, fieldValue) !== false;
};

/**
 * Whether the rule surely holds for such a caller, whatever record or body it is asked about: `@request.auth.id != ""`
 * for somebody who is signed in. A rule that cannot be parsed might not.
 * @param rule - An API rule that is neither null nor empty.
 */
export const surelyPasses = (rule: string, caller: CallerKind): boolean =>
  passes(rule, caller, () => undefined) === true;

/**
 * Whether a rule holds for a caller; undefined when that is PocketBase's to say.
 * @param rule - An API rule that is neither null nor empty.
 * @param fieldValue - What is known of the names of the rule but `@request.auth`: fields of the record.
 */
export const passes = (rule: string, caller: CallerKind, fieldValue: ValueOf): boolean | undefined => {
  const parsed = parseRule(rule);
  if (!parsed.ok) return undefined;
  return verdictOf(parsed.value, (name) =>
    name.startsWith(AUTH) ? authValue(name.slice(AUTH.length), caller) : fieldValue(name),
  );
};

const AUTH = "@request.auth.";

const authValue = (path: string, caller: CallerKind): Known | undefined => {
  // A modifier or a path of relations compares something else.
  if (!/^\w+$/.test(path)) return undefined;
  if (caller.kind === "guest") return EMPTY;
  if (path === "id") return caller.id === undefined ? SOMETHING : toKnown(caller.id);
  if (path === "collectionId") return toKnown(caller.collectionId);
  return path === "collectionName" ? toKnown(caller.collectionName) : undefined;
};
