// Judges a new record for whoever asks: first by the create rule, as far as that follows from the caller and the body, then
// by the schema. Says nothing where PocketBase might say something else.
import { type Exchange, rankOf } from "../exchange.ts";
import type { Collection } from "../pocketbase/collection.ts";
import { type CallerKind, passes } from "../rules/mayPass.ts";
import { toKnown } from "../rules/verdict.ts";
import { textsOfNew } from "../schema/newRecord.ts";
import type { Judged, NewRecord, RecordJudges } from "../schema/recordJudges.ts";
import type { BodyContext } from "../schema/resolveBody.ts";
import { storesSurely, validateBody } from "../schema/validateBody.ts";
import { WantedRecords } from "../schema/wantedRecords.ts";
import type { Services } from "../services.ts";

const JUDGED = new Set(["base", "auth"]);

/** Who asks, to a rule (undefined when PocketBase may see somebody else) and to the schema. */
interface Judging {
  callerOf(principal: Exchange["principal"]): CallerKind | undefined;
  contextOf(principal: Exchange["principal"], wanted: WantedRecords): Omit<BodyContext, "action">;
  seesAll(exchange: Exchange, wanted: WantedRecords): Promise<boolean>;
}

export const createJudgeCreate = (
  { collections }: Services,
  { callerOf, contextOf, seesAll }: Judging,
): RecordJudges<Exchange>["judgeCreate"] => {
  const isAdmitted = (
    collection: Collection,
    { exchange, members }: NewRecord<Exchange>,
  ): boolean | undefined => {
    const { principal } = exchange;
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

  const judge = (record: NewRecord<Exchange>, wanted: WantedRecords): Judged => {
    const { principal } = record.exchange;
    const rank = rankOf(principal);
    const collection = collections.current().find(record.segment);
    if (collection === undefined || !JUDGED.has(collection.type) || rank === "unsure") return "unsure";
    const admitted = isAdmitted(collection, record);
    // PocketBase names no field to somebody whom the rule denies.
    if (admitted !== true) return admitted === false ? {} : "unsure";
    const context = { action: "create", ...contextOf(principal, wanted) } as const;
    const errors = validateBody(collection, record.members, context);
    if (errors !== undefined) return errors;
    return wanted.isEmpty && storesSurely(collection, record.members, context) ? "fine" : "unsure";
  };

  // Judged again before anybody is refused: the collections may have changed. Only then PocketBase is asked whether the
  // records are there that it relates to.
  return async (record) => {
    const judged = judge(record, new WantedRecords());
    if (typeof judged === "string") return judged;
    if (!(await collections.confirm(0))) return "unsure";
    const wanted = new WantedRecords();
    const again = judge(record, wanted);
    return wanted.isEmpty || (await seesAll(record.exchange, wanted)) ? again : "unsure";
  };
};
