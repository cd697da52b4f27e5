// Judges a new record for whoever asks: first by the create rule, as far as that follows from the caller and the body, then
// by the schema. Says nothing where PocketBase might say something else.
import { type Exchange, rankOf } from "../exchange.ts";
import type { Collection } from "../pocketbase/collection.ts";
import { type CallerKind, passes } from "../rules/mayPass.ts";
import { toKnown } from "../rules/verdict.ts";
import type { FieldErrors } from "../schema/fieldError.ts";
import { textsOfNew } from "../schema/newRecord.ts";
import type { BodyContext } from "../schema/resolveBody.ts";
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

/** Who asks, to a rule (undefined when PocketBase may see somebody else) and to the schema. */
interface Judging {
  callerOf(principal: Exchange["principal"]): CallerKind | undefined;
  contextOf(principal: Exchange["principal"]): Omit<BodyContext, "action">;
}

export const createJudgeCreate = ({ collections }: Services, { callerOf, contextOf }: Judging) => {
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
    const admitted = isAdmitted(collection, record);
    // PocketBase names no field to somebody whom the rule denies.
    if (admitted !== true) return admitted === false ? {} : "unsure";
    const context = { action: "create", ...contextOf(record.principal) } as const;
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
