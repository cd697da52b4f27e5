// Headers that a subscription brings along in its topic's options. Rules read them in place of the request's own, so
// names that a client may not send as headers are refused here, too. Subscribes nobody.
import { Refusal } from "../errors.ts";
import { isDroppedFromRequests } from "../utils/headers.ts";
import { foldMemberName, type JsonNode, parseStrictJson } from "../utils/strictJson.ts";

/**
 * Looks into the options of every text that is a topic with some: `notices/*?options={"headers":{...}}`.
 *
 * Stripping would not do: PocketBase names events by the whole topic, so the client would never hear of them.
 * @throws Refusal `body_invalid` for a header that is dropped from requests, `Authorization`, or ambiguous options.
 */
export const checkTopics = (texts: readonly string[]): void => {
  for (const text of texts) {
    for (const options of optionsOf(text)) {
      const fault = faultOf(options);
      if (fault !== undefined) {
        const subscriptions = { code: "validation_invalid_topic", message: fault };
        throw new Refusal("body_invalid", { data: { subscriptions } });
      }
    }
  }
};

/** Every string in a JSON text, at any depth; none when it is no JSON. */
export const stringsIn = (json: string): string[] => {
  try {
    return strings(JSON.parse(json));
  } catch {
    return [];
  }
};

const strings = (value: unknown): string[] => {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(strings) : [];
};

// Read as Go's url.Parse does, and more: it takes the first of several that it can decode, here all count.
const optionsOf = (topic: string): string[] => {
  const [place = ""] = topic.split("#", 1);
  const mark = place.indexOf("?");
  if (mark < 0) return [];
  return place
    .slice(mark + 1)
    .split("&")
    .flatMap((pair) => new URLSearchParams(`&${pair}`).getAll("options"));
};

const faultOf = (options: string): string | undefined => {
  // PocketBase ignores options that are no JSON.
  if (!isJson(options)) return undefined;
  const parsed = parseStrictJson(Buffer.from(options));
  if (!parsed.ok) return "The options of a topic must not have a member twice.";
  for (const [name, value] of parsed.node.members ?? []) {
    const found = foldMemberName(name) === "headers" ? forbiddenIn(value) : undefined;
    if (found !== undefined) return `A topic must not have the header ${JSON.stringify(found)}.`;
  }
  return undefined;
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

const forbiddenIn = (headers: JsonNode): string | undefined =>
  [...(headers.members?.keys() ?? [])].find((name) => {
    const plain = asRuleName(name);
    return plain === "authorization" || isDroppedFromRequests(plain);
  });

/** The name by which a rule reads a header, with `-` for `_`: PocketBase writes `xHapta.Edge` as `x_hapta_edge`. */
const asRuleName = (name: string): string =>
  name
    .split(/[\W_]+/)
    .filter((word) => word !== "")
    .map((word) => word.replace(/(?<=[^A-Z])(?=[A-Z])/g, "-"))
    .join("-")
    .toLowerCase();
