// The JSON body of a record: read strictly, and written anew as what was read. Knows no fields.
import { parseStrictJson } from "../utils/strictJson.ts";
import { invalidBody, renderObject } from "./structBody.ts";

/** What a body says, and the bytes that say it and nothing else. */
export interface RecordBody {
  readonly members: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
}

/**
 * Reads a record's JSON body; `null` has no members.
 *
 * @returns undefined for what PocketBase refuses as a whole, or reads only in part: no JSON object, something behind
 * it, a number beyond all numbers. Its answer is PocketBase's.
 * @throws Refusal `body_invalid` for what has more than one reading (a member twice, invalid UTF-8), or is over the
 * limits of `parseStrictJson`.
 */
export const readRecordBody = (bytes: Uint8Array): RecordBody | undefined => {
  const parsed = parseStrictJson(bytes);
  if (!parsed.ok) {
    if (parsed.reason === NOT_JSON) return undefined;
    throw invalidBody(parsed.reason);
  }
  const { members, text } = parsed.node;
  if (text === "null") return { members: {}, bytes: Buffer.from(text) };
  if (members === undefined) return undefined;
  const values = parsed.value as Record<string, unknown>;
  // Only such a text can hold a number that Go can't.
  if (/[eE]\+?\d{3}|\d{309}/.test(text) && holdsInfinity(values)) return undefined;
  return { members: values, bytes: Buffer.from(renderObject(members)) };
};

/** The reason `parseStrictJson` gives. */
const NOT_JSON = "The body is not valid JSON.";

/** Whether a parsed JSON value holds a number beyond all numbers, which Go can't read. O(size). */
export const holdsInfinity = (value: unknown): boolean => {
  if (typeof value === "number") return !Number.isFinite(value);
  return typeof value === "object" && value !== null && Object.values(value).some(holdsInfinity);
};
