// Which realtime topics Hapta can decide by itself, and what their subscribers may see of a record. Tells nobody.
import type { Collection } from "../pocketbase/collection.ts";
import type { LiveSchema } from "../pocketbase/liveSchema.ts";
import { withoutMembers } from "../utils/withoutMembers.ts";
import { type Caller, type DecidableRule, type RecordValues, toDecidable } from "./decidable.ts";
import { readTopicPath } from "./topicPath.ts";

/** What a caller is shown of a record: none of it, all but its e-mail address, or all that anybody may see. */
export type Sight = "nothing" | "withoutEmail" | "everything";

/** A rule of a collection for guests or the callers of an auth collection; the same object while nothing of it has changed. */
export interface TopicRule extends Pick<DecidableRule, "readsCaller" | "readsRecord" | "idsIn"> {
  readonly collectionId: string;
  /** The callers' collection as it was read; the same object for guests at all times. */
  readonly callers: object;
  /** Undefined when that is PocketBase's to say after all. @param caller - Undefined for whom `idsIn` does not name. */
  sight(record: RecordValues, caller: Caller | undefined): Sight | undefined;
  /** An event as PocketBase tells it to callers who are no superusers; undefined when its text is not understood. */
  shown(text: string, sight: Exclude<Sight, "nothing">): string | undefined;
}

/** A topic whose events Hapta can decide. */
export interface DecidableTopic {
  readonly rule: TopicRule;
  /** Undefined for all records. */
  readonly recordId: string | undefined;
}

/**
 * Reads a topic; undefined when PocketBase must decide it: topics with options or of no collection, views, rules that read
 * more than the record and the caller's own, and superusers.
 *
 * @param callersId - Collection id of the callers; "" for guests.
 */
export type ReadDecidable = (topic: string, callersId: string) => DecidableTopic | undefined;

/** By operation. */
type Rules = { readonly [operation in "list" | "view"]: TopicRule | undefined };

/** Reads topics by the schema as it is last known. Remembers what it compiled as long as the collections stay. */
export const createDecidableTopics = (collections: Pick<LiveSchema, "current">): ReadDecidable => {
  const known = new WeakMap<Collection, WeakMap<object, Rules>>();
  const rulesOf = (base: Collection, callers: Collection | undefined): Rules => {
    const byCallers = known.get(base) ?? new WeakMap<object, Rules>();
    known.set(base, byCallers);
    const rules = byCallers.get(callers ?? GUESTS) ?? {
      list: toTopicRule(base.rules.list, base, callers),
      view: toTopicRule(base.rules.view, base, callers),
    };
    byCallers.set(callers ?? GUESTS, rules);
    return rules;
  };
  return (topic, callersId) => {
    const schema = collections.current();
    const callers = schema.find(callersId);
    const place = topic.includes("?") ? undefined : readTopicPath(topic, schema);
    const isCaller = callersId === "" || isAuth(callers);
    if (!isCaller || !(place?.collection.type === "base" || isAuth(place?.collection))) return undefined;
    const rule = rulesOf(place.collection, callers)[place.operation];
    return rule && { rule, recordId: place.recordId };
  };
};

/** Stands for the collection that guests have none of. */
const GUESTS = {};

// Superusers are told by PocketBase what nobody else is.
const isAuth = (collection: Collection | undefined): collection is Collection =>
  collection?.type === "auth" && collection.name !== "_superusers";

const toTopicRule = (
  rule: string | null,
  base: Collection,
  callers: Collection | undefined,
): TopicRule | undefined => {
  const access = rule === null ? undefined : toDecidable(rule, base, callers);
  if (access === undefined) return undefined;
  const hidden = new Set(base.fields.filter(({ isHidden }) => isHidden).map(({ name }) => name));
  const plain = assemble({ base, callers }, access, hidden);
  if (base.type !== "auth") return plain;
  const { manage } = base.rules;
  const managing = manage === null ? NOBODY : toDecidable(manage, base, callers);
  return managing && withEmails(plain, managing, base.id === callers?.id);
};

/** Of a rule that nobody satisfies. */
const NOBODY: DecidableRule = { readsCaller: false, readsRecord: false, holds: () => false, idsIn: () => [] };

const assemble = (
  { base, callers }: { readonly base: Collection; readonly callers: Collection | undefined },
  { holds, ...reads }: DecidableRule,
  hidden: ReadonlySet<string>,
): TopicRule => {
  const withoutEmail = new Set([...hidden, "email"]);
  return {
    ...{ collectionId: base.id, callers: callers ?? GUESTS, ...reads },
    sight: (record, caller) => {
      const isSeen = holds(record, caller);
      return isSeen === undefined ? undefined : isSeen ? "everything" : "nothing";
    },
    shown: (text, sight) => {
      const names = sight === "everything" ? hidden : withoutEmail;
      return names.size === 0 ? text : withoutMembers(text, "record", names);
    },
  };
};

/** The address of an account is for itself, for who manages it, and for all if it says so. */
const withEmails = (rule: TopicRule, managing: DecidableRule, areOwn: boolean): TopicRule => ({
  ...rule,
  readsCaller: rule.readsCaller || managing.readsCaller,
  readsRecord: true,
  idsIn: (record) => [
    ...rule.idsIn(record),
    ...managing.idsIn(record),
    ...(areOwn ? [String(record["id"])] : []),
  ],
  sight: (record, caller) => {
    const sight = rule.sight(record, caller);
    if (sight !== "everything" || (areOwn && record["id"] === caller?.id)) return sight;
    const isOpen = record["emailVisibility"];
    if (typeof isOpen !== "boolean") return undefined;
    const isManager = isOpen || managing.holds(record, caller);
    return isManager === undefined ? undefined : isManager ? "everything" : "withoutEmail";
  },
});
