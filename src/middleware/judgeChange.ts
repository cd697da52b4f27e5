// Judges a change of a record for whoever asks. PocketBase is asked only when the body is wrong already: whether the record is
// there and what it holds, for the caller must get past the rule, and what the change leaves alone must be fine.
import { type Exchange, rankOf } from "../exchange.ts";
import type { Collection } from "../pocketbase/collection.ts";
import { type CallerKind, passes } from "../rules/mayPass.ts";
import { toKnown } from "../rules/verdict.ts";
import type { FieldErrors } from "../schema/fieldError.ts";
import type { RecordChange, RecordJudges } from "../schema/recordJudges.ts";
import { type BodyContext, resolveBody } from "../schema/resolveBody.ts";
import { isSoundBeside, isWhollyShown, type StoredRecord, storedText } from "../schema/storedRecord.ts";
import { validateBody } from "../schema/validateBody.ts";
import { WantedRecords } from "../schema/wantedRecords.ts";
import type { Services } from "../services.ts";

type Change = RecordChange<Exchange>;

/** Who asks, to a rule (undefined when PocketBase may see somebody else) and to the schema. */
interface Judging {
  callerOf(principal: Exchange["principal"]): CallerKind | undefined;
  contextOf(principal: Exchange["principal"], wanted: WantedRecords): Omit<BodyContext, "action">;
  seesAll(exchange: Exchange, wanted: WantedRecords): Promise<boolean>;
}

export const createJudgeChange = (
  { cacheGate, collections, memberCalls }: Services,
  { callerOf, contextOf, seesAll }: Judging,
): RecordJudges<Exchange>["judgeChange"] => {
  const contextFor = ({ exchange, recordId }: Change, wanted: WantedRecords) =>
    ({ action: "update", recordId, ...contextOf(exchange.principal, wanted) }) as const;

  /** What is wrong with the body, where the rest can be known at all. */
  const suspect = (
    change: Change,
    wanted: WantedRecords,
  ): { collection: Collection; errors: FieldErrors } | undefined => {
    const rank = rankOf(change.exchange.principal);
    const collection = collections.current().find(change.segment);
    if (collection === undefined || collection.isSystem || rank === "unsure") return undefined;
    const { update, view } = collection.rules;
    if (rank !== "superuser" && (update === null || view === null)) return undefined;
    if (!isWhollyShown(collection, rank === "superuser")) return undefined;
    const errors = validateBody(collection, change.members, contextFor(change, wanted));
    return errors === undefined ? undefined : { collection, errors };
  };

  const mayChange = ({ exchange }: Change, collection: Collection, stored: StoredRecord): boolean => {
    const rule = collection.rules.update;
    if (rankOf(exchange.principal) === "superuser" || rule === "") return true;
    const caller = rule === null ? undefined : callerOf(exchange.principal);
    if (rule === null || caller === undefined) return false;
    const textOf = (name: string) => {
      const text = storedText(collection, stored, name);
      return text === undefined ? undefined : toKnown(text);
    };
    return passes(rule, caller, textOf) === true;
  };

  const judge = async (change: Change): Promise<FieldErrors | undefined> => {
    const { credential, client } = change.exchange;
    // After a quiet time a moment brings proof that sessions still count.
    if (cacheGate.closedBecause() !== undefined) await cacheGate.reopened();
    if (cacheGate.closedBecause() !== undefined || !(await collections.confirm(0))) return undefined;
    const wanted = new WantedRecords();
    const found = suspect(change, wanted);
    if (found === undefined) return undefined;
    const { collection, errors } = found;
    const path = `/api/collections/${collection.id}/records/${change.recordId}`;
    const stored = await memberCalls.view(credential ?? "", path, client.address);
    if (stored === undefined || !mayChange(change, collection, stored)) return undefined;
    const touched = resolveBody(collection, change.members, contextFor(change, wanted));
    if (!isSoundBeside(collection, stored, (name) => touched.has(name))) return undefined;
    return (await seesAll(change.exchange, wanted)) ? errors : undefined;
  };

  return (change) => (suspect(change, new WantedRecords()) === undefined ? undefined : judge(change));
};
