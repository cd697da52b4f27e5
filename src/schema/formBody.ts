// From the parts of a form, multipart or urlencoded, to the members PocketBase makes of them. Reads no bytes.
import { parseJson, toText, Upload } from "./coerce.ts";

/** One part: a text, or a file of so many bytes. */
export interface FormPart {
  readonly name: string;
  readonly value: string | { readonly bytes: number };
}

/** Holds members as JSON, exempt from guessing; may come several times. */
const PAYLOAD = "@jsonPayload";

/**
 * The body of a form, URL parameters among its parts. One text becomes `true`, `false` or a number when it is
 * exactly that in its shortest form; several of one name become a list.
 *
 * @returns undefined when a payload is no JSON object: PocketBase refuses that as a whole.
 */
export const toFormBody = (parts: readonly FormPart[]): Record<string, unknown> | undefined => {
  const lists = new Map<string, unknown[]>();
  const payload: Record<string, unknown> = {};
  for (const { name, value } of parts) {
    if (name === PAYLOAD && typeof value === "string") {
      const json = parseJson(value);
      if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
      Object.assign(payload, json);
    } else {
      const list = lists.get(name);
      if (list === undefined) lists.set(name, [toMember(value)]);
      else list.push(toMember(value));
    }
  }
  const plain = [...lists].map(([name, list]) => [name, list.length === 1 ? list[0] : list] as const);
  return { ...Object.fromEntries(plain), ...payload };
};

const toMember = (value: FormPart["value"]): unknown =>
  typeof value === "string" ? inferred(value) : new Upload(value.bytes);

const inferred = (text: string): unknown => {
  if (text === "true" || text === "false") return text === "true";
  if (text.length > NUMBER_CHARS_MAX || !/^-?\d+(?:\.\d+)?$/.test(text)) return text;
  const number = Number(text);
  return toText(number) === text ? number : text;
};

/** The longest decimal that is the shortest form of a number. */
const NUMBER_CHARS_MAX = 350;
