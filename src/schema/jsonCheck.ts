// The `json` field: any value, within a size that is counted in the bytes of Go's own encoding.
import { type CollectionField, numberOption } from "../pocketbase/collection.ts";
import { parseStrictJson } from "../utils/strictJson.ts";
import { parseJson } from "./coerce.ts";
import { type Check, type FieldError, fieldError, REQUIRED } from "./fieldError.ts";

const JSON_BYTES_MAX = 1024 * 1024;
/** How far Go's count may be from ours, for numbers that the two languages write differently. */
const SLACK_BYTES = 16;
const EMPTY = new Set(["null", '""', "[]", "{}"]);

/** A `json` field. */
export const checkJson = (field: CollectionField): Check => {
  const set = numberOption(field, "maxSize") ?? 0;
  const maxSize = set > 0 ? set : JSON_BYTES_MAX;
  return (value) => {
    const encoded = encode(value);
    if (encoded === undefined) return "unsure";
    const { least, most } = sizeOf(encoded, value);
    if (least > maxSize)
      // Without a limit of its own a field has 1 MiB since 0.28, and had 5 before.
      return set > 0 ? sizeError(maxSize) : "unsure";
    if (most > maxSize) return "unsure";
    if (typeof value === "string" && NO_JSON.test(value) && encoded !== value) return INVALID;
    return field.isRequired && EMPTY.has(encoded.trim()) ? REQUIRED : undefined;
  };
};

// A text is taken for JSON when it looks like it and is it; otherwise Go quotes it.
const encode = (value: unknown): string | undefined => {
  if (value === undefined) return "null";
  if (typeof value !== "string") return JSON.stringify(value);
  if (/^(?:null|true|false)$/.test(value)) return value;
  if (/^[-0-9"[{]/.test(value) && parseJson(value) !== undefined)
    // A member twice, for one, is an error since 0.40.
    return /^[[{]/.test(value) && !parseStrictJson(Buffer.from(value)).ok ? undefined : value;
  return UNSURE.test(value) ? undefined : JSON.stringify(value);
};

// Go's quoting has escapes that are no JSON: for these for certain, and for what it takes for unprintable beyond the
// first plane, which depends on its version of Unicode.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
const NO_JSON = /[\x00-\x07\x0b\x0e-\x1f\x7f]/;
const UNSURE = /[^\0-\uffff\u{1f300}-\u{1f64f}]/u;
const INVALID = fieldError("validation_invalid_json", "Must be a valid json value");

const sizeError = (maxSize: number): FieldError =>
  fieldError("validation_json_size_limit", `The maximum allowed JSON size is ${maxSize} bytes`, { maxSize });

// Until 0.39 Go writes <, > and & as escapes of six bytes, unless they came in a text.
const sizeOf = (encoded: string, value: unknown): { readonly least: number; readonly most: number } => {
  const bytes = Buffer.byteLength(encoded);
  if (typeof value === "string") {
    // What is not plain may be written as an escape of six bytes, or as a shorter one than ours.
    const odd = encoded === value ? 0 : value.length - value.replace(/[^\x20-\x7e]/g, "").length;
    return { least: bytes - 4 * odd, most: bytes + 4 * odd };
  }
  const slack = /[^\x20-\x7e]|\d/.test(encoded) ? SLACK_BYTES : 0;
  const escapes = encoded.split(/[<>&]/).length - 1;
  return { least: bytes - slack, most: bytes + slack + 5 * escapes };
};
