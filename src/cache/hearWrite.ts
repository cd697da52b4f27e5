// A write of one record, whose answer says which and what it has become: when the feed has told the same, what the write
// changed has moved already, and nothing else has to. Sends nothing.
import { type Answer, isStreamed } from "../http/answer.ts";
import type { Collection } from "../pocketbase/collection.ts";
import type { LiveSchema } from "../pocketbase/liveSchema.ts";
import type { Hearings, ToldChange } from "./hearings.ts";
import { callerOf, deletedAlong, recordOf } from "./written.ts";
import { recordAt, schemaOf, type WriteRequest, type WrittenRecord } from "./writtenBy.ts";

/** The feed is told about as soon as PocketBase answers; after this long the write counts without it. */
const HEARD_MS = 40;

/** A write that is listened for. */
export interface HeardWrite {
  /** What is left to move after PocketBase's good answer; undefined for all that the write may have changed. */
  leftAfter(answer: Answer): Promise<readonly string[] | undefined>;
  /** Ends it. */
  end(): void;
}

/** Starts listening, before the write is sent; undefined when there is nothing to be gained by that. */
export const hearWrite = (
  { method, path }: Pick<WriteRequest, "method" | "path">,
  { hearings, collections }: { readonly hearings: Hearings; readonly collections: LiveSchema },
): HeardWrite | undefined => {
  const written = recordAt(path, collections);
  const hearing = written === undefined ? undefined : hearings.begin(written.collection.id);
  if (written === undefined || hearing === undefined) return undefined;
  const { collection } = written;
  return {
    end: () => hearing.end(),
    leftAfter: async (answer) => {
      const shown = shownIn(answer);
      const recordId = written.recordId ?? idOf(shown);
      if (recordId === undefined) return undefined;
      const isIt = (told: ToldChange): boolean => isTold(told, { method, recordId, shown, written });
      const isHeard = isKnowable(shown, { method, collection }) && (await hearing.heard(isIt, HEARD_MS));
      if (method === "DELETE") return isHeard ? deletedAlong(collection, schemaOf(collections)) : undefined;
      const isAccount = collection.type === "auth" && method === "PATCH";
      const about = isAccount ? [callerOf(collection.id, recordId)] : [];
      return isHeard ? about : [recordOf(collection.id, recordId), ...about];
    },
  };
};

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

const stampOf = ({ fields }: Collection): string | undefined =>
  fields.find(({ type, options }) => type === "autodate" && options["onUpdate"] === true)?.name;

// A record goes once, and is made once at a time. Updates look all the same unless they are shown whole, with their time.
const isKnowable = (
  shown: Shown | undefined,
  { method, collection }: { readonly method: string; readonly collection: Collection },
): boolean => {
  if (method !== "PATCH") return true;
  const stamp = stampOf(collection);
  if (stamp === undefined || shown === undefined || !Object.hasOwn(shown, stamp)) return false;
  // Whose e-mail address it is may decide whether that is shown.
  const isAccount = collection.type === "auth";
  return collection.fields.every(({ name, isHidden }) => isHidden || isAccount || Object.hasOwn(shown, name));
};

// Of two updates that look the same at the same moment, either will do.
const isTold = (told: ToldChange, { method, recordId, shown, written: { collection } }: Wanted): boolean => {
  if (told.recordId !== recordId || told.action !== ACTIONS[method]) return false;
  if (told.action === "delete" || shown === undefined) return told.action !== "update";
  const stamp = stampOf(collection);
  const names = told.action === "update" ? collection.fields.map(({ name }) => name) : [stamp ?? ""];
  return names.every(
    (name) =>
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
