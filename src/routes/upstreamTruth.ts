// After a write through Hapta that may have ended logins at PocketBase: the sessions concerned are checked
// before the writer hears that it is done.
import { batchItemsOf } from "../batch/batchItems.ts";
import type { Exchange } from "../exchange.ts";
import type { Services } from "../services.ts";
import { claimsOf } from "../utils/jwt.ts";

/** What is asked of a write. */
type WrittenBy = Pick<Exchange, "method" | "path" | "route"> & { readonly batchPayload?: Uint8Array };

export interface UpstreamTruth {
  /** After an acknowledged write to records, in a batch, or to the schema. */
  afterWrite(exchange: WrittenBy): Promise<void>;
  /** After an acknowledged confirm-* call: its token names the record. */
  afterConfirmation(exchange: Exchange): Promise<void>;
}

const RECORD_PATH = /^\/api\/collections\/([^/]+)\/records\/([^/?]+)/;
const COLLECTION_PATH = /^\/api\/collections\/([^/]+)(?:\/truncate)?$/;
/** Where a write may change collections, rules or fields: their own routes, raw SQL, and a restored backup. */
const SCHEMA_PATH = /^\/api\/(?:collections(?:\/[^/]+)?|sql|backups\/[^/]+\/restore)$/;

export const createUpstreamTruth = ({ sessions, collections }: Services): UpstreamTruth => {
  const checkRecord = async ({ segment, uid, isGone }: Written): Promise<void> => {
    const collection = collections.find(segment);
    if (collection?.type !== "auth") return;
    const subject = { cid: collection.id, uid };
    if (!isGone) await sessions.checkRecord(subject);
    else await sessions.revoke({ kind: "record", ...subject }, { reason: "record_deleted" });
  };

  // The schema is read anew before the writer hears that it is done.
  const checkSchema = async (path: string): Promise<void> => {
    const segment = COLLECTION_PATH.exec(path)?.[1];
    const before = segment === undefined ? undefined : collections.find(segment);
    if (SCHEMA_PATH.test(path)) await collections.refresh();
    if (segment === undefined) return;
    // An import may touch them all.
    const concerned = segment === "import" ? collections.all() : [before ?? collections.find(segment)];
    for (const one of concerned) if (one?.type === "auth") await sessions.checkCollection(one.id);
  };

  return {
    afterWrite: async ({ method, path, batchPayload, route }) => {
      const writes = route.kind === "batch" ? batchWrites(batchPayload) : [{ method, url: path }];
      for (const one of writes) {
        const [, segment, uid] = RECORD_PATH.exec(one.url) ?? [];
        const isGone = one.method === "DELETE";
        if (segment !== undefined && uid !== undefined) await checkRecord({ segment, uid, isGone });
      }
      await checkSchema(path);
    },
    afterConfirmation: async ({ body }) => {
      if (body.kind !== "bytes") return;
      const { id, collectionId } = claimsOf(tokenIn(body.bytes)) ?? {};
      if (id !== undefined && collectionId !== undefined)
        await sessions.checkRecord({ cid: collectionId, uid: id });
    },
  };
};

// JSON or a form of either kind: whatever else they hold, only one thing in them looks like this.
const TOKEN = /eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/;

const tokenIn = (bytes: Uint8Array): string => {
  const token = memberOf(bytes, "token");
  return typeof token === "string" ? token : (TOKEN.exec(Buffer.from(bytes).toString("latin1"))?.[0] ?? "");
};

const memberOf = (bytes: Uint8Array, name: string): unknown => {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return member(json, name);
  } catch {
    return undefined; // a form
  }
};

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

interface Written {
  readonly segment: string;
  readonly uid: string;
  /** The record was deleted, so there is nothing to ask about. */
  readonly isGone: boolean;
}

/** What a batch writes; an upsert names its record in the body. */
const batchWrites = (payload: Uint8Array | undefined): { method: string; url: string }[] =>
  batchItemsOf(payload).flatMap(({ method, url, body }) => {
    const id = method === "PUT" ? body["id"] : undefined;
    const upserted = typeof id === "string" ? [{ method, url: `${url.split("?", 1)[0]}/${id}` }] : [];
    return [{ method, url }, ...upserted];
  });
