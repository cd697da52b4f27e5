// Turns one message of PocketBase's realtime stream into a change of a record. Knows no connection.
import { field } from "./superuser.ts";

/**
 * One change that PocketBase has committed. `record` is the whole record as a superuser sees it, hidden fields
 * included: never for a visitor's eyes. For a delete it is the record as it was.
 */
export type FeedEvent = {
  readonly collectionId: string;
  readonly action: "create" | "update" | "delete";
  readonly recordId: string;
  readonly record: Readonly<Record<string, unknown>>;
  /** All of it, as PocketBase wrote it. */
  readonly text: string;
};

/** The subscription that sees every record of a collection, under whatever name the collection has. */
export function topicOf(collectionId: string): string {
  return `${collectionId}/*`;
}

/** The collection's id in what {@link topicOf} gives; undefined for other topics. */
export function collectionOf(topic: string): string | undefined {
  return topic.endsWith("/*") ? topic.slice(0, -"/*".length) : undefined;
}

/**
 * Reads one message.
 *
 * @param topic - The message's event name. @param data - Its JSON text.
 * @returns undefined when PocketBase would not send this.
 */
export function parseFeedEvent(topic: string, data: string): FeedEvent | undefined {
  const collectionId = collectionOf(topic);
  if (collectionId === undefined) return undefined;
  const json = parseJson(data);
  const action = field(json, "action");
  const record = field(json, "record");
  const recordId = field(record, "id");
  if (action !== "create" && action !== "update" && action !== "delete") return undefined;
  if (typeof recordId !== "string") return undefined;
  return {
    collectionId,
    action,
    recordId,
    record: record as Readonly<Record<string, unknown>>,
    text: data,
  };
}

/** A member of a JSON text that is an object and holds a string there. */
export function textMember(data: string, name: string): string | undefined {
  const value = field(parseJson(data), name);
  return typeof value === "string" ? value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller sees by the missing members that it was not what PocketBase sends.
    return undefined;
  }
}
