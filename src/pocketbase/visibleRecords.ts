// Asks PocketBase which of some records a caller sees at the moment. Judges no rule itself.
import type { Secret } from "../utils/secret.ts";
import { field } from "./superuser.ts";
import { createUpstreamFetch } from "./upstreamFetch.ts";

/** A caller's question. */
export interface VisibleQuestion {
  readonly collectionId: string;
  /** Whose rule counts. */
  readonly operation: "list" | "view";
  /** At most 100. */
  readonly ids: readonly string[];
  /** PocketBase's token of the caller; undefined for a guest. */
  readonly credential: string | undefined;
  /** The client's. */
  readonly address: string;
}

/** The ids of those that are seen; empty when PocketBase cannot say. Never rejects. */
export type VisibleRecords = (question: VisibleQuestion) => Promise<ReadonlySet<string>>;

const DEADLINE_MS = 5_000;
const IDS_MAX = 100;
/** PocketBase's own ids; others are not put into a filter. */
const PLAIN = /^[\w-]{1,100}$/;

/** @param url - Base address of PocketBase, without a trailing slash. @param guard - For a guard hook there. */
export const createVisibleRecords = (url: string, guard?: Secret): VisibleRecords => {
  const ask = createUpstreamFetch(url, guard);
  const get = async (path: string, question: VisibleQuestion): Promise<unknown> => {
    const { credential, address } = question;
    const headers = { "X-Forwarded-For": address, ...(credential && { Authorization: credential }) };
    const signal = AbortSignal.timeout(DEADLINE_MS);
    try {
      const response = await ask(path, { headers, redirect: "manual", signal });
      if (response.status === 200) return await response.json();
      await response.body?.cancel();
    } catch {
      // Unreachable, too slow or no JSON: nothing is known to be seen.
    }
    return undefined;
  };
  return async (question) => {
    const { collectionId, operation, ids } = question;
    if (ids.length > IDS_MAX || !ids.every((id) => PLAIN.test(id))) return new Set();
    const records = `/api/collections/${encodeURIComponent(collectionId)}/records`;
    if (operation === "view") {
      const seen = await Promise.all(ids.map((id) => get(`${records}/${id}?fields=id`, question)));
      return new Set(seen.flatMap(idOf));
    }
    const filter = encodeURIComponent(ids.map((id) => `id='${id}'`).join("||"));
    const page = await get(`${records}?fields=id&skipTotal=1&perPage=${IDS_MAX}&filter=${filter}`, question);
    const items = field(page, "items");
    return new Set(Array.isArray(items) ? items.flatMap(idOf) : []);
  };
};

const idOf = (record: unknown): string[] => {
  const id = field(record, "id");
  return typeof id === "string" ? [id] : [];
};
