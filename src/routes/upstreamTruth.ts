// After a write through Hapta that may have ended logins at PocketBase: the sessions concerned are checked
// before the writer hears that it is done.
import type { Exchange } from "../exchange.ts";
import type { Services } from "../services.ts";
import { claimsOf } from "../utils/jwt.ts";

export interface UpstreamTruth {
  /** After an acknowledged write to records, in a batch, or to the schema. */
  afterWrite(exchange: Exchange): Promise<void>;
  /** After an acknowledged confirm-* call: its token names the record. */
  afterConfirmation(exchange: Exchange): Promise<void>;
}

const RECORD_PATH = /^\/api\/collections\/([^/]+)\/records\/([^/?]+)/;
const COLLECTION_PATH = /^\/api\/collections\/([^/]+)(?:\/truncate)?$/;
/** Sessions of a collection that are checked after a change to the collection itself. */
const SUBJECTS_MAX = 1000;

export const createUpstreamTruth = ({ sessions, collections }: Services): UpstreamTruth => {
  const checkRecord = async (segment: string, uid: string): Promise<void> => {
    const collection = collections.find(segment);
    if (collection?.type === "auth") await sessions.checkRecord({ cid: collection.id, uid });
  };

  const checkCollection = async (segment: string): Promise<void> => {
    const before = collections.find(segment);
    await collections.refresh();
    const cid = before?.id ?? collections.find(segment)?.id;
    if (cid === undefined) return;
    const uids = new Set(sessions.list({ cid, uid: "" }).map(({ uid }) => uid));
    for (const uid of [...uids].slice(0, SUBJECTS_MAX)) await sessions.checkRecord({ cid, uid });
  };

  return {
    afterWrite: async ({ path, body, route }) => {
      const paths =
        route.kind === "batch" ? batchUrls(body.kind === "bytes" ? body.bytes : undefined) : [path];
      for (const one of paths) {
        const [, segment, uid] = RECORD_PATH.exec(one) ?? [];
        if (segment !== undefined && uid !== undefined) await checkRecord(segment, uid);
      }
      const [, schema] = COLLECTION_PATH.exec(path) ?? [];
      if (schema !== undefined) await checkCollection(schema);
    },
    afterConfirmation: async ({ body }) => {
      if (body.kind !== "bytes") return;
      const token = memberOf(body.bytes, "token");
      const { id, collectionId } = (typeof token === "string" ? claimsOf(token) : undefined) ?? {};
      if (id !== undefined && collectionId !== undefined)
        await sessions.checkRecord({ cid: collectionId, uid: id });
    },
  };
};

const memberOf = (bytes: Uint8Array, name: string): unknown => {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return typeof json === "object" && json !== null ? Reflect.get(json, name) : undefined;
  } catch {
    return undefined; // a form; the change feed sees the write
  }
};

const batchUrls = (bytes: Uint8Array | undefined): string[] => {
  const requests = bytes === undefined ? undefined : memberOf(bytes, "requests");
  if (!Array.isArray(requests)) return [];
  return requests.flatMap((item: unknown) => {
    const url: unknown = typeof item === "object" && item !== null ? Reflect.get(item, "url") : undefined;
    return typeof url === "string" ? [url] : [];
  });
};
