// Looks into a struct body that was checked and written anew, whatever it travels in. Checks nothing itself.
import { foldMemberName } from "../utils/strictJson.ts";
import { type Field, type FormCodec, readMultipartFields } from "./formBody.ts";

/** The part of a form whose text is JSON and fills several members at once. */
const PAYLOAD = "@jsonPayload";

/**
 * The members of a rebuilt struct body by their folded names, as PocketBase's decoder takes them; forms have texts, and
 * a list for a field that comes several times. Empty for `null`.
 */
export const readStructMembers = (
  bytes: Uint8Array,
  contentType: string,
  codec: FormCodec,
): ReadonlyMap<string, unknown> => {
  if (contentType.startsWith("multipart/form-data"))
    return fromFields(readMultipartFields(bytes, contentType, codec));
  const text = Buffer.from(bytes).toString("utf8");
  if (!contentType.startsWith("application/x-www-form-urlencoded")) return new Map(jsonMembers(text));
  return fromFields(
    [...new URLSearchParams(text)].map(([name, value]) => ({ name, value: Buffer.from(value) })),
  );
};

/**
 * The texts of a rebuilt struct body that is a form, under the exact names that PocketBase's reader of forms looks for;
 * undefined when it has a payload, whose members fold.
 */
export const readFormTexts = (
  bytes: Uint8Array,
  contentType: string,
  codec: FormCodec,
): ReadonlyMap<string, string> | undefined => {
  const fields = contentType.startsWith("multipart/form-data")
    ? readMultipartFields(bytes, contentType, codec).map(({ name, value }) => [name, textOf(value)] as const)
    : [...new URLSearchParams(textOf(bytes))];
  const texts = new Map(fields);
  return texts.has(PAYLOAD) ? undefined : texts;
};

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

const fromFields = (fields: readonly Field[]): ReadonlyMap<string, unknown> => {
  const members = new Map<string, unknown>();
  for (const { name, value } of fields) {
    const text = Buffer.from(value).toString("utf8");
    if (name === PAYLOAD) for (const [key, inner] of jsonMembers(text)) members.set(key, inner);
    else {
      const key = foldMemberName(name);
      const before = members.get(key);
      members.set(key, before === undefined ? text : [before, text].flat());
    }
  }
  return members;
};

const jsonMembers = (text: string): [string, unknown][] => {
  const json: unknown = JSON.parse(text);
  if (typeof json !== "object" || json === null) return [];
  return Object.entries(json).map(([name, value]) => [foldMemberName(name), value]);
};
