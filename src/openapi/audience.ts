// Who reads the description, and which operations of a collection it may therefore name. Parses no rules itself.
import type { Collection, CollectionField } from "../pocketbase/collection.ts";

/** A reader of the description: nobody in particular, a record of an auth collection (its id), or a superuser. */
export type Audience =
  | { readonly kind: "guest" }
  | { readonly kind: "record"; readonly collectionId: string }
  | { readonly kind: "superuser" };

/** The rules that decide about an operation on records. */
export type RuleName = "list" | "view" | "create" | "update" | "delete";

/**
 * Whether a rule that is an expression could ever let the audience pass. In doubt it answers true: what is named
 * in vain only costs a refused call.
 */
export type MayPass = (rule: string, audience: Audience, collection: Collection) => boolean;

/** One collection as an audience may see it. */
export interface VisibleCollection {
  readonly collection: Collection;
  readonly operations: ReadonlySet<RuleName>;
  /** Without the fields PocketBase hides from this audience. */
  readonly fields: readonly CollectionField[];
}

const RULES: readonly RuleName[] = ["list", "view", "create", "update", "delete"];
const READ_ONLY: ReadonlySet<RuleName> = new Set(["list", "view"]);

/**
 * The collections an audience may know of, system ones only for superusers. A collection without any operation for
 * the audience is left out, unless somebody can log in there.
 */
export const visibleCollections = (
  collections: readonly Collection[],
  audience: Audience,
  mayPass: MayPass,
): VisibleCollection[] =>
  collections
    .filter(({ isSystem }) => !isSystem || audience.kind === "superuser")
    .map((collection) => ({
      collection,
      operations: operationsOf(collection, audience, mayPass),
      fields: visibleFields(collection, audience),
    }))
    .filter(({ collection, operations }) => operations.size > 0 || isLoginOpen(collection));

const operationsOf = (collection: Collection, audience: Audience, mayPass: MayPass): Set<RuleName> => {
  const isOpen = (name: RuleName): boolean => {
    const rule = collection.rules[name];
    if (audience.kind === "superuser" || rule === "") return true;
    return rule !== null && mayPass(rule, audience, collection);
  };
  const possible = collection.type === "view" ? RULES.filter((name) => READ_ONLY.has(name)) : RULES;
  return new Set(possible.filter(isOpen));
};

/** Whether somebody who is not a superuser could log in to the collection. */
const isLoginOpen = ({ type, isSystem, rules }: Collection): boolean =>
  type === "auth" && !isSystem && rules.auth !== null;

// PocketBase never sends `password` and `tokenKey`, and hidden fields to superusers only.
const visibleFields = ({ fields, type }: Collection, { kind }: Audience): CollectionField[] =>
  fields.filter((field) => {
    if (type === "auth" && field.isSystem && (field.name === "password" || field.name === "tokenKey"))
      return false;
    return !field.isHidden || kind === "superuser";
  });

/** A short text that is the same for readers who get the same description. */
export const audienceKey = (audience: Audience): string =>
  audience.kind === "record" ? `record:${audience.collectionId}` : audience.kind;
