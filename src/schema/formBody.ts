// From the parts of a form, multipart or urlencoded, to the members PocketBase makes of them. Reads no bytes.
import { parseJson, toText, Upload } from "./coerce.ts";

/** One part: a text, or a file of so many bytes. */
export interface FormPart {
  readonly name: string;
  readonly value: string | { readonly bytes: number };
}

/** Holds members as JSON, exempt from guessing; may come several times. */
const PAYLOAD = "@jsonPayload";

/** A file beside a body: what it is for, and how large it is. */
interface FileFor {
  readonly field: string;
  readonly bytes: number;
}

/**
 * The body of a form, URL parameters among its parts. One text becomes `true`, `false` or a number when it is
 * exactly that in its shortest form; several of one name become a list. A payload overrides texts.
 *
 * @returns undefined when a payload is no JSON object: PocketBase refuses that as a whole.
 */
export const toFormBody = (parts: readonly FormPart[]): Readonly<Record<string, unknown>> | undefined => {
  const lists = new Map<string, unknown[]>();
  const files: FileFor[] = [];
  const payload: Record<string, unknown> = {};
  for (const { name, value } of parts) {
    if (typeof value !== "string") files.push({ field: name, bytes: value.bytes });
    else if (name === PAYLOAD) {
      const json = parseJson(value);
      if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
      Object.assign(payload, json);
    } else {
      const list = lists.get(name);
      if (list === undefined) lists.set(name, [inferred(value)]);
      else list.push(inferred(value));
    }
  }
  const texts = [...lists].map(([name, list]) => [name, list.length === 1 ? list[0] : list] as const);
  return withFiles({ ...Object.fromEntries(texts), ...payload }, files);
};

/** A body with the files that travel beside it. Under a name that both have, both count. */
export const withFiles = (
  body: Readonly<Record<string, unknown>>,
  files: readonly FileFor[] = [],
): Readonly<Record<string, unknown>> => {
  if (files.length === 0) return body;
  const members = new Map(Object.entries(body));
  for (const { field, bytes } of files) {
    const file = new Upload(bytes);
    members.set(field, members.has(field) ? [members.get(field), file].flat() : file);
  }
  return Object.fromEntries(members);
};

const inferred = (text: string): unknown => {
  if (text === "true" || text === "false") return text === "true";
  if (text.length > NUMBER_CHARS_MAX || !/^-?\d+(?:\.\d+)?$/.test(text)) return text;
  const number = Number(text);
  return toText(number) === text ? number : text;
};

/** The longest decimal that is the shortest form of a number. */
const NUMBER_CHARS_MAX = 350;
