// What realtime clients are about to be told by streams of their own. It counts before they hear it: whoever is told of a
// change and asks at once gets nothing older than that. Changes no message.
import type { Collection } from "../pocketbase/collection.ts";
import { parseFeedEvent } from "../pocketbase/feedEvent.ts";
import type { OpenRealtime } from "../pocketbase/realtimeStream.ts";
import type { Changes } from "./changes.ts";
import { recordsOf } from "./written.ts";

/**
 * Opens streams as `open` does; what they tell counts for the cache first.
 * @param find - A collection by its name or id.
 */
export const withEchoes = (
  open: OpenRealtime,
  changes: Changes,
  find: (segment: string) => Collection | undefined,
): OpenRealtime => {
  const hear = createHear(changes, find);
  return (address, listener) =>
    open(address, {
      onMessage: (topic, data) => {
        hear(topic, data);
        listener.onMessage(topic, data);
      },
      onTooLong: (topic) => {
        hear(topic, "");
        listener.onTooLong(topic);
      },
      onEnd: () => listener.onEnd(),
    });
};

/** Takes in one message; called once for each stream that tells it, not for each client. */
const createHear = (changes: Changes, find: (segment: string) => Collection | undefined) => {
  // The same event comes on many streams, one right after the other.
  const last = { topic: "", data: "", turn: 0 };
  return (topic: string, data: string): void => {
    if (data === last.data && topic === last.topic && changes.turn === last.turn) return;
    Object.assign(last, { topic, data, turn: changes.turn });
    const collection = find(topic.slice(0, Math.max(0, topic.indexOf("/"))));
    // An app's own message.
    if (collection === undefined) return;
    const told = showsIds(topic) ? parseFeedEvent(`${collection.id}/*`, data) : undefined;
    // Where a record does not show its id, or is too long to be told, nobody can tell which it is.
    if (told === undefined) changes.move([recordsOf(collection.id)], "a realtime event");
    else changes.glimpse(told, collection);
  };
};

/** Whether an `id` that a topic tells is the whole of one: `fields` may ask for its beginning. An escaped letter may be any. */
const showsIds = (topic: string): boolean => {
  if (!topic.includes("?")) return true;
  try {
    return !/excerpt|\\u/i.test(decodeURIComponent(topic));
  } catch {
    return false; // nobody knows what PocketBase makes of it
  }
};
