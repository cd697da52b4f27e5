// What a request on its way to PocketBase may change there, so that nothing older is answered once it is acknowledged.
// Sends nothing and judges nobody: PocketBase decides whether a write happens.
import { batchItemsOf } from "../batch/batchItems.ts";
import { wholeBody } from "../bodies/wholeBody.ts";
import type { WriteOutcome, WriteUnderway } from "../cache/underway.ts";
import { aboutAccounts, callersOf, changed, deleted, EVERYTHING, recordsOf } from "../cache/written.ts";
import type { Exchange } from "../exchange.ts";
import type { LiveSchema } from "../pocketbase/liveSchema.ts";
import type { Services } from "../services.ts";

const RECORDS = /^\/api\/collections\/(\w+)\/records(?:\/([^/]+))?$/;
/** Logins and mails: rows about the account, not the account. */
const ABOUT_ONLY = new Set([
  "auth-with-password",
  "auth-refresh",
  "request-otp",
  "request-verification",
  "request-password-reset",
  "request-email-change",
]);

/** Makes the function that notes a write in `exchange.whenDone`. */
export const createNoteWrite = ({ cache, collections }: Services): ((exchange: Exchange) => void) => {
  const { underway } = cache;
  return (exchange) => {
    const names = writtenBy(exchange, collections);
    if (names.length === 0) return;
    const isAnything = names[0] === EVERYTHING;
    const cause = `${exchange.method} ${exchange.path.slice(0, 100)}`;
    const write = underway.begin(names, isAnything ? [] : names, cause);
    const isWhole = watchBody(exchange, write);
    const isSchema = isAnything && exchange.route.kind === "admin";
    exchange.whenDone = (status) => {
      const outcome = outcomeOf(status);
      if (isSchema && outcome === "done") return whenRead(collections, write);
      // Nobody was told that anything happened, and if it did, the feed tells. A stranger must not be able to empty the
      // cache by sending what he never finishes.
      const isUnheard = status === undefined && (exchange.presence.isGone || !isWhole());
      write.end(isAnything && isUnheard ? "refused" : outcome);
    };
  };
};

/** Says when the last byte of the body has gone out. @returns whether it has. */
const watchBody = (exchange: Exchange, write: WriteUnderway): (() => boolean) => {
  const { body } = exchange;
  let isWhole = body.kind !== "stream";
  if (body.kind !== "stream") write.whole();
  else
    exchange.body = {
      ...body,
      source: wholeBody(body.source, () => {
        isWhole = true;
        write.whole();
      }),
    };
  return () => isWhole;
};

// 4xx is PocketBase's word that nothing was written; without an answer nobody knows.
const outcomeOf = (status: number | "unsent" | undefined): WriteOutcome =>
  status === "unsent" || (status !== undefined && status >= 400 && status < 500) ? "refused" : "done";

// Rules may have changed: what was kept by the old ones goes when the new ones are known.
const whenRead = (collections: LiveSchema, write: WriteUnderway): void => {
  void collections.refresh().then(() => write.end("done"));
};

/** Names of what an unsafe request may change; empty for what changes nothing that is read. */
const writtenBy = (exchange: Exchange, collections: LiveSchema): readonly string[] => {
  const { kind } = exchange.route;
  switch (kind) {
    case "records":
      return byRecordPath(exchange.method, exchange.path, collections);
    case "batch":
      return byBatch(exchange.batchPayload, collections);
    case "auth":
      return byAuth(exchange, collections);
    case "admin":
    case "custom":
      return [EVERYTHING];
    default:
      return [];
  }
};

const byRecordPath = (method: string, path: string, collections: LiveSchema): readonly string[] => {
  const [, segment = "", recordId] = RECORDS.exec(path) ?? [];
  const collection = collections.find(segment);
  // Made a moment ago, past Hapta, for all that is known.
  if (collection === undefined) return [EVERYTHING];
  const schema = { collections: collections.all(), find: (name: string) => collections.find(name) };
  if (method === "DELETE") return deleted(collection, schema);
  return method === "POST" || method === "PATCH" ? changed(collection, recordId) : [EVERYTHING];
};

const byAuth = ({ route }: Exchange, collections: LiveSchema): readonly string[] => {
  const { operation = "", collection: segment = "" } = route;
  if (operation === "impersonate" || operation === "oauth2-redirect") return [];
  const about = aboutAccounts(collections);
  if (ABOUT_ONLY.has(operation)) return about;
  const collection = collections.find(segment);
  if (collection === undefined) return [EVERYTHING];
  return [...about, recordsOf(collection.id), callersOf(collection.id)];
};

const byBatch = (payload: Uint8Array | undefined, collections: LiveSchema): readonly string[] => {
  if (payload === undefined) return [EVERYTHING];
  const names = new Set<string>();
  for (const { method, url } of batchItemsOf(payload)) {
    const path = url.split("?", 1)[0] ?? "";
    const segment = RECORDS.exec(path)?.[1] ?? "";
    const collection = collections.find(segment);
    // An upsert may be a change of any record.
    if (method === "PUT" && collection !== undefined) {
      for (const name of [recordsOf(collection.id), callersOf(collection.id)]) names.add(name);
    } else for (const name of byRecordPath(method, path, collections)) names.add(name);
  }
  return names.has(EVERYTHING) ? [EVERYTHING] : [...names];
};
