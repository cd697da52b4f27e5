// Which realtime topics Hapta can decide by itself, and what their subscribers may see of a record. Tells nobody.
import type { Collection } from "../pocketbase/collection.ts";
import type { LiveSchema } from "../pocketbase/liveSchema.ts";
import { withoutMembers } from "../utils/withoutMembers.ts";
import { type DecidableRule, toDecidable } from "./decidable.ts";
import { readTopicPath } from "./topicPath.ts";

/** A rule of a collection for the callers of an auth collection; the same object while neither of them has changed. */
export interface TopicRule extends DecidableRule {
  readonly collectionId: string;
  /** An event as PocketBase tells it to callers who are no superusers; undefined when its text is not understood. */
  shown(text: string): string | undefined;
}

/** A topic whose events Hapta can decide. */
export interface DecidableTopic {
  readonly rule: TopicRule;
  /** Undefined for all records. */
  readonly recordId: string | undefined;
}

/**
 * Reads a topic; undefined when PocketBase must decide it: topics with options or of no collection, collections that are
 * not plain ones (who sees addresses of accounts, and an account's own changes, hang on more), rules that read more than
 * the record and the caller's id, and superusers.
 *
 * @param callersId - Collection id of the callers.
 */
export type ReadDecidable = (topic: string, callersId: string) => DecidableTopic | undefined;

/** By operation. */
type Rules = { readonly [operation in "list" | "view"]: TopicRule | undefined };

/** Reads topics by the schema as it is last known. Remembers what it compiled as long as the collections stay. */
export const createDecidableTopics = (collections: Pick<LiveSchema, "current">): ReadDecidable => {
  const known = new WeakMap<Collection, WeakMap<Collection, Rules>>();
  const rulesOf = (base: Collection, callers: Collection): Rules => {
    const byCallers = known.get(base) ?? new WeakMap<Collection, Rules>();
    known.set(base, byCallers);
    const rules = byCallers.get(callers) ?? {
      list: toTopicRule(base, callers, base.rules.list),
      view: toTopicRule(base, callers, base.rules.view),
    };
    byCallers.set(callers, rules);
    return rules;
  };
  return (topic, callersId) => {
    const schema = collections.current();
    const callers = schema.find(callersId);
    const place = topic.includes("?") ? undefined : readTopicPath(topic, schema);
    if (place?.collection.type !== "base" || !isCallers(callers)) return undefined;
    const rule = rulesOf(place.collection, callers)[place.operation];
    return rule && { rule, recordId: place.recordId };
  };
};

const isCallers = (collection: Collection | undefined): collection is Collection =>
  collection?.type === "auth" && collection.name !== "_superusers";

const toTopicRule = (base: Collection, callers: Collection, rule: string | null): TopicRule | undefined => {
  const decidable = rule === null ? undefined : toDecidable(rule, base, callers);
  if (decidable === undefined) return undefined;
  const hidden = new Set(base.fields.filter(({ isHidden }) => isHidden).map(({ name }) => name));
  const shown = (text: string): string | undefined =>
    hidden.size === 0 ? text : withoutMembers(text, "record", hidden);
  return { ...decidable, collectionId: base.id, shown };
};
