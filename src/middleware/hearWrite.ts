// A write of one record, whose answer says which and what it has become: when the feed has told the same, what the write
// changed has moved already, and nothing else has to.
import type { Hearing, ToldChange } from "../cache/hearings.ts";
import type { WriteUnderway } from "../cache/underway.ts";
import { callerOf, deletedAlong, recordOf } from "../cache/written.ts";
import type { Exchange, Stage } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import { gatherAnswer } from "../http/gatherAnswer.ts";
import type { Services } from "../services.ts";
import { outcomeOf } from "./writeOutcome.ts";
import { recordAt, schemaOf, type WrittenRecord } from "./writtenBy.ts";

/** The feed is told about as soon as PocketBase answers; after this long the write counts without it. */
const HEARD_MS = 15;
const HELD = { bytesMax: 1_048_576, timeoutMs: 30_000 };

/** Sends a write and listens for it; undefined when there is nothing to be gained by that. */
type HearWrite = (exchange: Exchange, write: WriteUnderway) => Promise<Answer | undefined> | undefined;

/** @param forward - The stage that asks PocketBase. */
export const createHearWrite = ({ cache, collections }: Services, forward: Stage): HearWrite => {
  const { hearings } = cache.changes;

  /** What is left to move after PocketBase's answer; undefined for all that the write may have changed. */
  const leftAfter = async (
    answer: Answer,
    { written, hearing, method }: Heard,
  ): Promise<readonly string[] | undefined> => {
    const { collection } = written;
    const shown = shownIn(answer);
    const recordId = written.recordId ?? idOf(shown);
    if (recordId === undefined) return undefined;
    const isHeard = await hearing.heard(
      (told) => isTold(told, { method, recordId, shown, written }),
      HEARD_MS,
    );
    if (method === "DELETE") return isHeard ? deletedAlong(collection, schemaOf(collections)) : undefined;
    const about = collection.type === "auth" && method === "PATCH" ? [callerOf(collection.id, recordId)] : [];
    return isHeard ? about : [recordOf(collection.id, recordId), ...about];
  };

  return (exchange, write) => {
    const { method, path } = exchange;
    const written = recordAt(path, collections);
    const hearing = written === undefined ? undefined : hearings.begin(written.collection.id);
    if (written === undefined || hearing === undefined) return undefined;
    let left: readonly string[] | undefined;
    exchange.whenDone = (status) => {
      hearing.end();
      write.end(outcomeOf(status), left);
    };
    const send = async (): Promise<Answer | undefined> => {
      const answer = await forward(exchange);
      if (answer === undefined || answer.status >= 300) return answer;
      const whole = await gatherAnswer(answer, HELD);
      left = await leftAfter(whole, { written, hearing, method });
      return whole;
    };
    return send();
  };
};

interface Heard {
  readonly written: WrittenRecord;
  readonly hearing: Hearing;
  readonly method: string;
}

const ACTIONS: Readonly<Record<string, ToldChange["action"]>> = {
  POST: "create",
  PATCH: "update",
  DELETE: "delete",
};

interface Wanted {
  readonly method: string;
  readonly recordId: string;
  readonly shown: Shown | undefined;
  readonly written: WrittenRecord;
}

type Shown = Readonly<Record<string, unknown>>;

// A record is made and goes once. Of two updates that look the same at the same moment, either will do.
const isTold = (told: ToldChange, { method, recordId, shown, written: { collection } }: Wanted): boolean => {
  if (told.recordId !== recordId || told.action !== ACTIONS[method]) return false;
  if (told.action !== "update") return true;
  const stamp = collection.fields.find(
    ({ type, options }) => type === "autodate" && options["onUpdate"] === true,
  );
  if (stamp === undefined || shown === undefined || !Object.hasOwn(shown, stamp.name)) return false;
  return collection.fields.every(
    ({ name }) =>
      !Object.hasOwn(shown, name) || JSON.stringify(shown[name]) === JSON.stringify(told.record[name]),
  );
};

const shownIn = ({ body }: Answer): Shown | undefined => {
  if (body === null || isStreamed(body)) return undefined;
  try {
    const json: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    return typeof json === "object" && json !== null ? (json as Shown) : undefined;
  } catch {
    return undefined; // no record
  }
};

const idOf = (shown: Shown | undefined): string | undefined => {
  const id = shown?.["id"];
  return typeof id === "string" ? id : undefined;
};
