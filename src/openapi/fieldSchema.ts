// One field of a collection as JSON Schema: what PocketBase answers, what it takes, and an example. PocketBase
// coerces more than is described here: these are the values somebody should send.
import {
  type CollectionField,
  fileBytesMax,
  isMultiple,
  numberOption,
  textOption,
} from "../pocketbase/collection.ts";
import { TIME_EXAMPLE } from "./examples.ts";
import { ANY_JSON, type JsonSchema } from "./jsonSchema.ts";
import { codeText, plainText } from "./markdown.ts";

/** PocketBase's timestamps: a blank instead of `T`; empty when unset. */
const TIME: JsonSchema = {
  type: "string",
  pattern: "^(\\d{4}-\\d{2}-\\d{2} \\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z)?$",
  description: "UTC time, or empty.",
};

const POINT: JsonSchema = {
  type: "object",
  properties: {
    lon: { type: "number", minimum: -180, maximum: 180 },
    lat: { type: "number", minimum: -90, maximum: 90 },
  },
  required: ["lon", "lat"],
};

/** Choices of a select field; PocketBase answers an empty text when nothing is chosen. */
const choicesOf = (field: CollectionField): string[] => {
  const values = field.options["values"];
  return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
};

const one = (field: CollectionField): JsonSchema => {
  if (field.type === "select") return { type: "string", enum: choicesOf(field) };
  return { type: "string" };
};

// A single value may be unset, which is an empty text.
const answered = (field: CollectionField): JsonSchema => {
  switch (field.type) {
    case "number":
      return { type: "number" };
    case "bool":
      return { type: "boolean" };
    case "json":
      return ANY_JSON;
    case "date":
    case "autodate":
      return TIME;
    case "geoPoint":
      return POINT;
    case "select":
      return isMultiple(field)
        ? { type: "array", items: one(field) }
        : { type: "string", enum: [...choicesOf(field), ""] };
    case "relation":
    case "file":
      return isMultiple(field) ? { type: "array", items: one(field) } : { type: "string" };
    case "text":
    case "email":
    case "url":
    case "editor":
    case "password":
      return { type: "string" };
    // A type of a later PocketBase: nothing is known, so nothing is promised.
    default:
      return ANY_JSON;
  }
};

/** What a record of PocketBase holds under this field. */
export const answeredSchema = (field: CollectionField): JsonSchema => withNotes(field, answered(field));

/** What a create or update takes under this field; files are names here, and bytes when `asForm`. */
export const acceptedSchema = (field: CollectionField, asForm = false): JsonSchema => {
  if (field.type === "file" && asForm) return withNotes(field, fileSchema(field));
  if (field.type === "date") return withNotes(field, { type: "string", examples: [TIME_EXAMPLE] });
  if (field.type === "select" || field.type === "relation" || field.type === "file")
    return withNotes(
      field,
      isMultiple(field) ? { ...answered(field), ...countBounds(field) } : answered(field),
    );
  return withNotes(field, { ...answered(field), ...bounds(field) });
};

const fileSchema = (field: CollectionField): JsonSchema => {
  const file: JsonSchema = { type: "string", format: "binary" };
  return isMultiple(field) ? { type: "array", items: file, ...countBounds(field) } : file;
};

const countBounds = (field: CollectionField): JsonSchema => {
  const [min, max] = [numberOption(field, "minSelect") ?? 0, numberOption(field, "maxSelect") ?? 0];
  return { ...(min > 0 ? { minItems: min } : {}), ...(max > 1 ? { maxItems: max } : {}) };
};

/** Bounds of the types whose check is only a number; zero means none to PocketBase. */
const bounds = (field: CollectionField): JsonSchema => {
  const [min, max] = [numberOption(field, "min"), numberOption(field, "max")];
  if (field.type === "number") {
    const type = field.options["onlyInt"] === true ? { type: "integer" } : {};
    return {
      ...type,
      ...(min === undefined ? {} : { minimum: min }),
      ...(max === undefined ? {} : { maximum: max }),
    };
  }
  if (field.type !== "text" && field.type !== "password") return {};
  return {
    // An empty text is unset, which only `required` refuses.
    ...(min !== undefined && min > 0 && field.isRequired ? { minLength: min } : {}),
    ...(max !== undefined && max > 0 ? { maxLength: max } : {}),
  };
};

const withNotes = (field: CollectionField, schema: JsonSchema): JsonSchema => {
  const help = plainText(textOption(field, "help"));
  const notes = [help, ...notesOf(field)].filter((note) => note !== "");
  return notes.length === 0 || schema.description !== undefined
    ? schema
    : { ...schema, description: notes.join(" ") };
};

const notesOf = (field: CollectionField): string[] => {
  if (field.type === "relation") return ["Record ids."];
  if (field.type === "file") return fileNotes(field);
  const pattern = textOption(field, "pattern");
  // Go's RE2 is not ECMAScript's regular expressions: shown, not promised.
  return pattern === "" ? [] : [`Pattern (RE2): ${codeText(pattern)}`];
};

const fileNotes = (field: CollectionField): string[] => {
  const types = field.options["mimeTypes"];
  return [
    `At most ${fileBytesMax(field)} bytes each.`,
    Array.isArray(types) && types.length > 0 ? `Types: ${types.map(String).map(codeText).join(", ")}.` : "",
    field.options["protected"] === true ? "Protected: downloads need a file token." : "",
  ];
};
