// Examples for the description: a field's value, and the body of a new record that somebody can send as it stands.
import {
  type CollectionField,
  isMultiple,
  listOption,
  numberOption,
  textOption,
} from "../pocketbase/collection.ts";

/** A point in time, as PocketBase writes it. */
export const TIME_EXAMPLE = "2026-01-15 12:00:00.000Z";
const ID_EXAMPLE = "r5x8k2m9q1w4e7t";

/** A value such as PocketBase would answer. */
export const exampleOf = (field: CollectionField): unknown => {
  const value = oneExample(field);
  const isList = field.type === "select" || field.type === "relation" || field.type === "file";
  return isList && isMultiple(field) ? [value] : value;
};

const EXAMPLES: Readonly<Record<string, unknown>> = {
  number: 1,
  bool: true,
  email: "grace@example.com",
  url: "https://example.com",
  editor: "<p>Hello</p>",
  date: TIME_EXAMPLE,
  autodate: TIME_EXAMPLE,
  json: { key: "value" },
  relation: ID_EXAMPLE,
  file: "photo_k2m9q1w4e7.png",
  geoPoint: { lon: 13.4, lat: 52.5 },
  password: "",
};

const oneExample = (field: CollectionField): unknown => {
  const [min, max] = [numberOption(field, "min") ?? 0, numberOption(field, "max")];
  if (field.type === "select") return listOption(field, "values")[0] ?? "";
  if (field.type === "number") return Math.min(Math.max(1, min), max ?? Number.MAX_SAFE_INTEGER);
  if (field.type !== "text") return EXAMPLES[field.type] ?? null;
  return field.name === "id" ? ID_EXAMPLE : `${field.name} text`.padEnd(min, ".").slice(0, max || undefined);
};

/**
 * Values for the fields that a new record needs or that say the most, with their names. Without ids, which would count once;
 * without related records and files, which would have to be there; and without what has a pattern, or only managers of accounts set.
 */
export const bodyExample = (fields: readonly CollectionField[]): [name: string, value: unknown][] =>
  fields
    .filter((field) => field.type !== "file" && field.type !== "autodate" && field.name !== "id")
    .filter((field) => field.isRequired || isEasy(field))
    .map((field) => [field.name, exampleOf(field)]);

const isEasy = (field: CollectionField): boolean =>
  field.type !== "relation" && !field.isSystem && textOption(field, "pattern") === "";
