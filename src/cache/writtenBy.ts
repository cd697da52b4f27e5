// What a request on its way to PocketBase may change there, by its path and payload. Looks at no answer.
import type { Collection } from "../pocketbase/collection.ts";
import type { LiveSchema } from "../pocketbase/liveSchema.ts";
import type { Route } from "../pocketbase/routes.ts";
import { aboutAccounts, callersOf, changed, deleted, EVERYTHING, recordsOf } from "./written.ts";

const RECORDS = /^\/api\/collections\/(\w+)\/records(?:\/([^/]+))?$/;
const PLAIN_ID = /^[\w.~-]+$/;
/** Logins and mails: rows about the account, not the account. */
const ABOUT_ONLY = new Set([
  "auth-with-password",
  "auth-refresh",
  "request-otp",
  "request-verification",
  "request-password-reset",
  "request-email-change",
]);

/** A request, as far as that says what it may change. */
export interface WriteRequest {
  readonly method: string;
  readonly path: string;
  readonly route: Pick<Route, "kind" | "operation" | "collection">;
  /** The requests in a batch; undefined where they are not known. */
  readonly items: readonly { readonly method: string; readonly url: string }[] | undefined;
  /** Names or ids of all collections that a route of the app's own may change, where the operator has said so. */
  readonly said: readonly string[] | undefined;
}

/** Names of what an unsafe request may change, as `Changes.move` takes them; empty for what changes nothing that is read. */
export const writtenBy = (request: WriteRequest, collections: LiveSchema): readonly string[] => {
  const { method, path, route, items, said } = request;
  switch (route.kind) {
    case "records":
      return byRecordPath(method, path, collections);
    case "batch":
      return byBatch(items, collections);
    case "auth":
      return byAuth(route, collections);
    case "custom":
      return said === undefined ? [EVERYTHING] : byWord(said, collections);
    case "admin":
      return [EVERYTHING];
    default:
      return [];
  }
};

/** One record, or, without `recordId`, one that is to be. */
export interface WrittenRecord {
  readonly collection: Collection;
  readonly recordId: string | undefined;
}

/** The record that a path of the records API is about; undefined when its id may be written in more than one way. */
export const recordAt = (path: string, collections: LiveSchema): WrittenRecord | undefined => {
  const [, segment = "", recordId] = RECORDS.exec(path) ?? [];
  const collection = collections.find(segment);
  if (collection === undefined || (recordId !== undefined && !PLAIN_ID.test(recordId))) return undefined;
  return { collection, recordId };
};

const byRecordPath = (method: string, path: string, collections: LiveSchema): readonly string[] => {
  const collection = collections.find(RECORDS.exec(path)?.[1] ?? "");
  // Made a moment ago, past Hapta, for all that is known.
  if (collection === undefined) return [EVERYTHING];
  const recordId = recordAt(path, collections)?.recordId;
  if (method === "DELETE") return deleted(collection, recordId, schemaOf(collections));
  return method === "POST" || method === "PATCH" ? changed(collection, recordId) : [EVERYTHING];
};

/** The schema as `deleted` looks at it. */
export const schemaOf = (collections: LiveSchema) => ({
  collections: collections.all(),
  find: (name: string) => collections.find(name),
});

// Records of them may have gone as well.
const byWord = (said: readonly string[], collections: LiveSchema): readonly string[] => {
  const names = new Set<string>();
  for (const segment of said) {
    const collection = collections.find(segment);
    if (collection === undefined) return [EVERYTHING];
    for (const name of deleted(collection, undefined, schemaOf(collections))) names.add(name);
  }
  return [...names];
};

const byAuth = (route: WriteRequest["route"], collections: LiveSchema): readonly string[] => {
  const { operation = "", collection: segment = "" } = route;
  if (operation === "impersonate" || operation === "oauth2-redirect") return [];
  const about = aboutAccounts(collections);
  if (ABOUT_ONLY.has(operation)) return about;
  const collection = collections.find(segment);
  return collection === undefined ? [EVERYTHING] : writtenByLogin(collection, collections);
};

/** What a login may change that makes accounts, or changes them. */
export const writtenByLogin = (
  { id }: Pick<Collection, "id">,
  collections: Pick<LiveSchema, "find">,
): readonly string[] => [...aboutAccounts(collections), recordsOf(id), callersOf(id)];

const byBatch = (items: WriteRequest["items"], collections: LiveSchema): readonly string[] => {
  if (items === undefined) return [EVERYTHING];
  const names = new Set<string>();
  for (const { method, url } of items) {
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
