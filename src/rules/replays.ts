// Decides whether events that a caller was once told may be told to it again, after it was away. What cannot be decided
// is not told. Keeps no events.
import type { LiveSchema, Schema } from "../pocketbase/liveSchema.ts";
import type { VisibleRecords } from "../pocketbase/visibleRecords.ts";
import { type Lasting, lastingOf } from "./lasting.ts";
import { readTopicPath, type TopicPlace } from "./topicPath.ts";

/** What was told of one topic to one caller, oldest first. */
interface Replay {
  readonly topic: string;
  /** `data` is as PocketBase wrote it. */
  readonly messages: readonly { readonly data: string }[];
  readonly subject: {
    /** Undefined for guests and for tokens that nobody vouches for. */
    readonly session: { readonly cid: string } | undefined;
    readonly credential: string | undefined;
  };
  readonly address: string;
}

interface Change {
  readonly action: "create" | "update" | "delete";
  readonly id: string;
}

const SUPERUSERS = "_superusers";
/** More records than this are not asked about. */
const ASKED_MAX = 100;

/**
 * Judges by the rule that stands now; whoever keeps events forgets them when the schema changes, and asks for callers
 * only who are vouched for.
 *
 * - Superusers see everything. A rule that asks of nothing but the caller said the same all the time.
 * - For other rules PocketBase is asked whether the caller sees those records now. A record that was deleted cannot be
 *   asked about: that it was told of is enough only when the rule reads nothing but the record and the caller's id.
 * - Never: topics of an app's own, records of auth collections (who sees e-mail addresses may have changed), expanded
 *   relations, rules on headers, parameters or the context.
 */
export const createReplayJudge =
  (collections: Pick<LiveSchema, "current" | "confirm">, visible: VisibleRecords) =>
  async ({ topic, messages, subject, address }: Replay): Promise<boolean> => {
    const { session, credential } = subject;
    // A rule may have been edited past Hapta a moment ago.
    if (!(await collections.confirm(0))) return false;
    const schema = collections.current();
    const place = readTopic(topic, schema);
    if (place === undefined) return false;
    const { collection, operation } = place;
    if (session !== undefined && schema.find(session.cid)?.name === SUPERUSERS) return true;
    if (collection.type !== "base" || place.isExpanded) return false;
    const ids = idsToAsk(messages, lastingOf(collection.rules[operation]));
    if (ids === undefined || ids.length === 0) return ids !== undefined;
    const seen = await visible({ collectionId: collection.id, operation, ids, credential, address });
    return ids.every((id) => seen.has(id));
  };

interface Place extends TopicPlace {
  readonly isExpanded: boolean;
}

const readTopic = (topic: string, schema: Schema): Place | undefined => {
  const [path = "", ...options] = topic.split("?");
  const place = readTopicPath(path, schema);
  // Wherever the word may stand; a topic that only filters for it loses its recovery, no more.
  return place && { ...place, isExpanded: decode(options.join("?")).includes("expand") };
};

// Escapes within JSON count, too.
const decode = (options: string): string => {
  try {
    const text = decodeURIComponent(options.replaceAll("+", " "));
    return text.includes("\\u") ? "expand" : text.toLowerCase();
  } catch {
    return "expand";
  }
};

/** Records that must be visible now; undefined when some cannot be asked about. */
const idsToAsk = (messages: Replay["messages"], lasting: Lasting): string[] | undefined => {
  if (lasting === "caller") return [];
  if (lasting === "unknown") return undefined;
  const last = new Map<string, Change>();
  for (const { data } of messages) {
    const change = readChange(data);
    if (change === undefined) return undefined;
    if (change.action === "delete" && lasting !== "record") return undefined;
    last.set(change.id, change);
  }
  const ids = [...last.values()].filter(({ action }) => action !== "delete").map(({ id }) => id);
  return ids.length > ASKED_MAX ? undefined : ids;
};

const readChange = (data: string): Change | undefined => {
  try {
    const { action, record } = JSON.parse(data);
    const isKnown = action === "create" || action === "update" || action === "delete";
    return isKnown && typeof record?.id === "string" ? { action, id: record.id } : undefined;
  } catch {
    return undefined; // an app's own message
  }
};
