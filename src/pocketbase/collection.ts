// One collection of PocketBase as the gateway reads it: fields, rules, indexes. Holds no records and asks nobody.
import { field as member } from "./superuser.ts";

/** One field of a collection. */
export interface CollectionField {
  readonly name: string;
  /** `text`, `number`, `bool`, `email`, `url`, `editor`, `date`, `autodate`, `select`, `json`, `file`, `relation`,
   * `geoPoint`, `password`, or what a later PocketBase adds. */
  readonly type: string;
  readonly isHidden: boolean;
  readonly isSystem: boolean;
  readonly isRequired: boolean;
  /** Everything PocketBase says about the field, such as `max` or `values`. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The API rules: null is for superusers only, an empty text for everybody, else an expression. */
export interface CollectionRules {
  readonly list: string | null;
  readonly view: string | null;
  readonly create: string | null;
  readonly update: string | null;
  readonly delete: string | null;
  /** Of auth collections; null for others. */
  readonly auth: string | null;
  readonly manage: string | null;
}

/** A collection as PocketBase tells it to superusers. Secrets are not part of that. */
export interface Collection {
  readonly id: string;
  readonly name: string;
  /** `other` is what a later PocketBase adds. */
  readonly type: "base" | "auth" | "view" | "other";
  readonly isSystem: boolean;
  readonly fields: readonly CollectionField[];
  readonly fieldByName: ReadonlyMap<string, CollectionField>;
  readonly rules: CollectionRules;
  /** `CREATE INDEX` statements. */
  readonly indexes: readonly string[];
  /** When it was saved last, as PocketBase writes it. */
  readonly updated: string;
  /** Everything PocketBase says about the collection, such as `viewQuery`, `passwordAuth` or `oauth2`. */
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Reads one item of `GET /api/collections`; what it does not know it keeps in `options`.
 * @throws Error when it has no id, name or type.
 */
export const toCollection = (item: unknown): Collection => {
  const [id, name, type, fields] = ["id", "name", "type", "fields"].map((key) => member(item, key));
  if (typeof id !== "string" || typeof name !== "string" || typeof type !== "string")
    throw new Error("PocketBase listed a collection without id, name or type.");
  const read = Array.isArray(fields) ? fields.flatMap(toField) : [];
  const indexes = member(item, "indexes");
  return {
    id,
    name,
    type: isType(type) ? type : "other",
    isSystem: member(item, "system") === true,
    fields: read,
    fieldByName: new Map(read.map((one) => [one.name, one])),
    rules: toRules(item),
    indexes: Array.isArray(indexes) ? indexes.filter((index) => typeof index === "string") : [],
    updated: String(member(item, "updated") ?? ""),
    options: toOptions(item),
  };
};

const isType = (type: string): type is "base" | "auth" | "view" =>
  type === "base" || type === "auth" || type === "view";

const toRules = (item: unknown): CollectionRules => {
  const rule = (name: string): string | null => {
    const text = member(item, name);
    return typeof text === "string" ? text : null;
  };
  return {
    list: rule("listRule"),
    view: rule("viewRule"),
    create: rule("createRule"),
    update: rule("updateRule"),
    delete: rule("deleteRule"),
    auth: rule("authRule"),
    manage: rule("manageRule"),
  };
};

const toField = (item: unknown): CollectionField[] => {
  const [name, type] = [member(item, "name"), member(item, "type")];
  if (typeof name !== "string" || typeof type !== "string") return [];
  const field = {
    name,
    type,
    isHidden: member(item, "hidden") === true,
    isSystem: member(item, "system") === true,
    isRequired: member(item, "required") === true,
    options: toOptions(item),
  };
  return [field];
};

// What was read is nobody else's and changes no more: copies of all of it would be most of the work.
const toOptions = (item: unknown): Readonly<Record<string, unknown>> =>
  typeof item === "object" && item !== null ? (item as Readonly<Record<string, unknown>>) : {};

/** A numeric option of a field; undefined when it is absent, null or no number. */
export const numberOption = (field: CollectionField, name: string): number | undefined => {
  const value = field.options[name];
  return typeof value === "number" ? value : undefined;
};

/** A text option of a field; "" when it is absent. */
export const textOption = (field: CollectionField, name: string): string => {
  const value = field.options[name];
  return typeof value === "string" ? value : "";
};

/** A list of texts among a field's options; empty when it is absent. */
export const listOption = (field: CollectionField, name: string): readonly string[] => {
  const value = field.options[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
};

/** Largest file that a file field takes, in bytes: PocketBase's default where the field says nothing. */
export const fileBytesMax = (field: CollectionField): number => {
  const bytes = numberOption(field, "maxSize") ?? 0;
  return bytes > 0 ? bytes : 5_242_880;
};

/** Whether a select, relation or file field holds a list rather than one value. */
export const isMultiple = (field: CollectionField): boolean => (numberOption(field, "maxSelect") ?? 0) > 1;
