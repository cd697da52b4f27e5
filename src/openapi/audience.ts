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
  /** What of a record the audience may ever be told, without the fields PocketBase hides from it: the id at least. */
  readonly fields: readonly CollectionField[];
}

/** The ways to log in that a collection may have open, as PocketBase calls them. */
export type LoginMethod = "passwordAuth" | "oauth2" | "otp";

const RULES: readonly RuleName[] = ["list", "view", "create", "update", "delete"];
const READ_ONLY: ReadonlySet<RuleName> = new Set(["list", "view"]);

/**
 * The collections an audience may know of, by name, system ones only for superusers and last. A collection without any
 * operation for the audience is left out, unless somebody can log in there.
 */
export const visibleCollections = (
  collections: readonly Collection[],
  audience: Audience,
  mayPass: MayPass,
): VisibleCollection[] =>
  collections
    .filter(({ isSystem }) => !isSystem || audience.kind === "superuser")
    .map((collection) => {
      const operations = operationsOf(collection, audience, mayPass);
      return { collection, operations, fields: visibleFields({ collection, operations }, audience) };
    })
    .filter(({ collection, operations }) => operations.size > 0 || loginMethods(collection).size > 0)
    .sort((a, b) => byName(a.collection, b.collection));

const byName = (a: Collection, b: Collection): number => {
  if (a.isSystem !== b.isSystem) return a.isSystem ? 1 : -1;
  return a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1;
};

const operationsOf = (collection: Collection, audience: Audience, mayPass: MayPass): Set<RuleName> => {
  const isOpen = (name: RuleName): boolean => {
    const rule = collection.rules[name];
    if (audience.kind === "superuser" || rule === "") return true;
    return rule !== null && mayPass(rule, audience, collection);
  };
  const possible = collection.type === "view" ? RULES.filter((name) => READ_ONLY.has(name)) : RULES;
  return new Set(possible.filter(isOpen));
};

/** How somebody could log in to a collection; by no way where the auth rule lets nobody in. */
export const loginMethods = ({ type, rules, options }: Collection): ReadonlySet<LoginMethod> =>
  new Set(type === "auth" && rules.auth !== null ? METHODS.filter((one) => isEnabled(options[one])) : []);

const METHODS: readonly LoginMethod[] = ["passwordAuth", "oauth2", "otp"];

const isEnabled = (settings: unknown): boolean =>
  typeof settings === "object" && settings !== null && Reflect.get(settings, "enabled") === true;

/** Whether a second method is asked for. */
export const needsSecondMethod = ({ options }: Collection): boolean => isEnabled(options["mfa"]);

// PocketBase never sends `password` and `tokenKey`, and hidden fields to superusers only. Who gets none of the records,
// neither read nor written nor as his own at a login, has no use for the names of their fields.
const visibleFields = (
  { collection, operations }: Omit<VisibleCollection, "fields">,
  audience: Audience,
): CollectionField[] => {
  const { fields, id, type } = collection;
  const isOwn = audience.kind === "record" && audience.collectionId === id;
  const isTold = isOwn || RULES.some((name) => name !== "delete" && operations.has(name));
  return fields.filter((field) => {
    if (!isTold) return field.name === "id";
    if (type === "auth" && field.isSystem && (field.name === "password" || field.name === "tokenKey"))
      return false;
    return !field.isHidden || audience.kind === "superuser";
  });
};

/** A short text that is the same for readers who get the same description. */
export const audienceKey = (audience: Audience): string =>
  audience.kind === "record" ? `record:${audience.collectionId}` : audience.kind;
