// Bodies that PocketBase decodes into a fixed shape (auth, realtime, file tokens). Its decoder matches
// member names loosely, so a body must not be able to say one thing here and another there.
import { Refusal } from "../errors.ts";
import { foldMemberName, type JsonLimits, type JsonNode, parseStrictJson } from "../utils/strictJson.ts";

/** No login and no subscription needs as much; PocketBase takes a thousand topics. Read in less than 5 ms of CPU. */
const LIMITS: JsonLimits = { depthMax: 64, membersMax: 4_096, valuesMax: 4_096 };

/**
 * Checks a struct body and writes it anew: one JSON object, every member once (also after Go's case
 * folding), values as the text that was checked. `null` is PocketBase's empty body and stays.
 * @throws Refusal `body_invalid` with the reason under `data.body`.
 */
export const rebuildStructBody = (bytes: Uint8Array): Uint8Array => {
  const parsed = parseStrictJson(bytes, LIMITS);
  if (!parsed.ok) throw invalidBody(parsed.reason);
  if (parsed.node.text === "null") return Buffer.from("null");
  return Buffer.from(renderObject(uniqueMembers(parsed.node)));
};

/** A `body_invalid` refusal that says why. */
export const invalidBody = (reason: string): Refusal =>
  new Refusal("body_invalid", { data: { body: { code: "validation_invalid_body", message: reason } } });

const uniqueMembers = (node: JsonNode): ReadonlyMap<string, JsonNode> => {
  if (node.members === undefined) throw invalidBody("The body must be a JSON object.");
  const folded = new Set<string>();
  for (const name of node.members.keys()) {
    const key = foldMemberName(name);
    if (folded.has(key)) throw invalidBody(`The member ${JSON.stringify(name)} appears twice.`);
    folded.add(key);
  }
  return node.members;
};

/** Writes an object of checked values, in their own texts. */
export const renderObject = (members: ReadonlyMap<string, JsonNode>): string => {
  const parts: string[] = [];
  for (const [name, value] of members) parts.push(`${JSON.stringify(name)}:${value.text}`);
  return `{${parts.join(",")}}`;
};
