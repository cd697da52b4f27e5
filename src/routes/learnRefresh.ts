// What PocketBase's answer to a refresh teaches: that this session was accepted just now, and what the next answer will be.
// Changes no answer.
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { Collection } from "../pocketbase/collection.ts";
import type { Services } from "../services.ts";
import type { Session } from "../sessions/liveSessions.ts";

/** PocketBase's answer to a refresh, with its token still in it. */
export interface RefreshAnswered {
  /** Its body is at hand. */
  readonly whole: Answer;
  readonly json: object;
  readonly token: string;
  readonly session: Session;
}

/**
 * Makes the function that takes in an answer to a refresh that `cache` has marked as one to keep. Only what PocketBase
 * itself writes is kept: a token, and the record with the fields that its schema shows. Anything else is the work of hooks.
 */
export const createLearnRefresh =
  ({ cache, collections, sessions }: Pick<Services, "cache" | "collections" | "sessions">) =>
  ({ refresh }: Exchange, { whole, json, token, session }: RefreshAnswered): void => {
    if (refresh?.kind !== "asked") return;
    const { key, lease, sinceMs } = refresh;
    sessions.noteAsked(session, sinceMs);
    const collection = collections.find(session.cid);
    const { headers, body } = whole;
    if (!(body instanceof Uint8Array) || collection === undefined || !isPlain(json, collection)) return;
    const text = Buffer.from(body).toString("utf8");
    cache.refreshes.learn(key, { headers, text, token, lease, sinceMs });
  };

const ANSWER = new Set(["record", "token"]);
const ABOUT = ["collectionId", "collectionName"];

const isPlain = (json: object, { fields }: Collection): boolean => {
  const record: unknown = Reflect.get(json, "record");
  if (typeof record !== "object" || record === null) return false;
  const shown = new Set(ABOUT);
  for (const { name, isHidden } of fields) if (!isHidden) shown.add(name);
  return hasExactly(json, ANSWER) && hasExactly(record, shown);
};

const hasExactly = (value: object, names: ReadonlySet<string>): boolean => {
  const found = Object.keys(value);
  return found.length === names.size && found.every((name) => names.has(name));
};
