// Judges a new record for whoever asks: first by the create rule, as far as that follows from the caller and the body, then
// by the schema. Says nothing where PocketBase might say something else.
import { type Exchange, rankOf } from "../exchange.ts";
import type { Collection } from "../pocketbase/collection.ts";
import { type CallerKind, passes } from "../rules/mayPass.ts";
import { toKnown } from "../rules/verdict.ts";
import type { FieldErrors, Wording } from "../schema/fieldError.ts";
import { textsOfNew } from "../schema/newRecord.ts";
import { storesSurely, validateBody } from "../schema/validateBody.ts";
import type { Services } from "../services.ts";

/** A record to be. */
interface NewRecord {
  /** The collection, as the path spells it. */
  readonly segment: string;
  readonly principal: Exchange["principal"];
  readonly members: Readonly<Record<string, unknown>>;
}

/** Errors by field, none when the rule denies it; or whether PocketBase surely stores it. */
type Judged = FieldErrors | "fine" | "unsure";

const JUDGED = new Set(["base", "auth"]);

export const createJudgeCreate = (services: Services) => {
  const { collections, cacheGate } = services;

  const callerOf = (principal: Exchange["principal"]): CallerKind | undefined => {
    if (principal.kind === "guest") return principal;
    // A session that PocketBase has ended a moment ago would be a guest's.
    if (principal.session === undefined || cacheGate.closedBecause() !== undefined) return undefined;
    const { cid, uid } = principal.session;
    const collectionName = collections.find(cid)?.name;
    return collectionName === undefined
      ? undefined
      : { kind: "record", id: uid, collectionId: cid, collectionName };
  };

  const isAdmitted = (collection: Collection, { principal, members }: NewRecord): boolean | undefined => {
    if (principal.kind === "superuser") return true;
    const rule = collection.isSystem ? null : collection.rules.create;
    if (rule === "" || rule === null) return rule === "" ? true : undefined;
    const caller = callerOf(principal);
    if (caller === undefined) return undefined;
    const textOf = textsOfNew(collection, members, { isSuperuser: false, wording: "unknown" });
    return passes(rule, caller, (name) => {
      const text = textOf(name);
      return text === undefined ? undefined : toKnown(text);
    });
  };

  const judge = (record: NewRecord): Judged => {
    const rank = rankOf(record.principal);
    const collection = collections.current().find(record.segment);
    if (collection === undefined || !JUDGED.has(collection.type) || rank === "unsure") return "unsure";
    const isSuperuser = rank === "superuser";
    const admitted = isAdmitted(collection, record);
    // PocketBase names no field to somebody whom the rule denies.
    if (admitted !== true) return admitted === false ? {} : "unsure";
    const context = {
      action: "create",
      isSuperuser,
      wording: wordingOf(services),
      caller: recordOf(record.principal),
    } as const;
    const errors = validateBody(collection, record.members, context);
    if (errors !== undefined) return errors;
    return storesSurely(collection, record.members, context) ? "fine" : "unsure";
  };

  /** The judgement of one record; never rejects. Asked again before anybody is refused: the collections may have changed. */
  return async (record: NewRecord): Promise<Judged> => {
    const judged = judge(record);
    if (typeof judged === "string") return judged;
    return (await collections.confirm(0)) ? judge(record) : "unsure";
  };
};

const recordOf = (principal: Exchange["principal"]): { collectionId: string; id: string } | undefined => {
  const session = principal.kind === "record" ? principal.session : undefined;
  return session === undefined ? undefined : { collectionId: session.cid, id: session.uid };
};

// Versions between 0.39.1 and 0.40 can't be told apart, and their words for a number's limits may be either.
const wordingOf = ({ settings, upstreamState }: Services): Wording => {
  const { upstream, pocketbaseBin } = settings;
  if (upstream.url === undefined && pocketbaseBin === undefined) return "0.39";
  const state = upstreamState();
  const found = state.kind === "ready" ? state.findings.find(({ check }) => check === "version") : undefined;
  const line = found?.ok === true ? (found.line ?? "") : "";
  if (line.startsWith("0.40")) return "0.40";
  return /^0\.3[678]$/.test(line) ? "0.39" : "unknown";
};
