// Checks what a client wants to subscribe, with PocketBase's bounds and refusals. Options of topics are looked into
// elsewhere (topicHeaders.ts). Subscribes nothing.

/** `data` has PocketBase's field errors; empty when the members are not what they should be at all. */
export type TopicsVerdict =
  | { readonly ok: true; readonly clientId: string; readonly topics: readonly string[] }
  | { readonly ok: false; readonly data: Readonly<Record<string, unknown>> };

/** The topic on which PocketBase's SDK waits for an OAuth2 provider's answer. */
export const LOGIN_TOPIC = "@oauth2";

const CLIENT_ID_MAX = 255;
const TOPICS_MAX = 1000;
const TOPIC_BYTES_MAX = 2500;
/** What would end a line of a stream of events, or an event. */
const BREAKS_LINES = /[\r\n\0]/;

/**
 * Reads the members of a subscription.
 *
 * @param members - By their lower-case names; a form has a text where there is one topic.
 * @param isForm - Whether they come from a form.
 */
export const readSubscription = (members: ReadonlyMap<string, unknown>, isForm: boolean): TopicsVerdict => {
  const clientId = members.get("clientid") ?? "";
  const given = members.get("subscriptions") ?? [];
  const list = isForm && typeof given === "string" ? [given] : given;
  if (typeof clientId !== "string" || !isTexts(list)) return { ok: false, data: {} };
  const data: Record<string, unknown> = {};
  if (clientId === "") data["clientId"] = { code: "validation_required", message: "Cannot be blank." };
  else if (Buffer.byteLength(clientId) > CLIENT_ID_MAX) data["clientId"] = OUT_OF_RANGE;
  const topics: string[] = [];
  const faults = list.length > TOPICS_MAX ? tooLong(TOPICS_MAX) : readTopics(list, topics);
  if (faults !== undefined) data["subscriptions"] = faults;
  return Object.keys(data).length > 0
    ? { ok: false, data }
    : { ok: true, clientId, topics: [...new Set(topics)] };
};

const isTexts = (list: unknown): list is string[] =>
  Array.isArray(list) && list.every((one) => typeof one === "string");

const readTopics = (
  given: readonly string[],
  topics: string[],
): Readonly<Record<string, unknown>> | undefined => {
  const faults: Record<string, unknown> = {};
  for (const [index, topic] of given.entries()) {
    // PocketBase passes over empty ones.
    if (topic === "") continue;
    if (Buffer.byteLength(topic) > TOPIC_BYTES_MAX) faults[index] = tooLong(TOPIC_BYTES_MAX);
    else if (BREAKS_LINES.test(topic)) faults[index] = BROKEN;
    else topics.push(topic);
  }
  return Object.keys(faults).length > 0 ? faults : undefined;
};

/** What topics take, in characters. */
export const charsOf = (topics: readonly string[]): number => {
  let chars = 0;
  for (const topic of topics) chars += topic.length;
  return chars;
};

const OUT_OF_RANGE = {
  code: "validation_length_out_of_range",
  message: "The length must be between 1 and 255.",
  params: { max: CLIENT_ID_MAX, min: 1 },
};

const BROKEN = {
  code: "validation_invalid_topic",
  message: "A topic has no line breaks and no NUL.",
};

const tooLong = (max: number): Readonly<Record<string, unknown>> => ({
  code: "validation_length_too_long",
  message: `The length must be no more than ${max}.`,
  params: { max, min: 0 },
});
