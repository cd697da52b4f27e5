// Batches: refused when the first item that PocketBase would not take is known, and all before it are. Of a form whose files
// come behind its payload that is known at its end, before PocketBase has it. Items that delete are left to PocketBase.

import { failedRecord } from "../batch/batchFaults.ts";
import { type BatchItem, batchItemsOf } from "../batch/batchItems.ts";
import { filesByItem } from "../batch/filePlace.ts";
import { checkedEnd } from "../bodies/checkedEnd.ts";
import { holdsInfinity } from "../bodies/recordBody.ts";
import type { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { withFiles } from "../schema/formBody.ts";
import type { Judged, RecordJudges } from "../schema/recordJudges.ts";
import { FAILED } from "../schema/validateBody.ts";
import type { Services } from "../services.ts";

const RECORDS = /^\/api\/collections\/([^/?]+)\/records(?:\/([^/?]+))?(?:\?|$)/;

type Members = BatchItem["body"];

/** @throws Refusal `record_invalid`, with PocketBase's whole answer to such a batch. */
type CheckBatch = (exchange: Exchange) => undefined | Promise<undefined>;

export const createCheckBatch = (
  { batchItemsMax }: Services,
  { judgeCreate, judgeChange }: RecordJudges<Exchange>,
): CheckBatch => {
  const judgeItem = async (
    exchange: Exchange,
    { method, url }: BatchItem,
    members: Members,
  ): Promise<Judged> => {
    const [, segment, recordId] = RECORDS.exec(url) ?? [];
    if (segment === undefined) return "unsure";
    if (recordId === undefined)
      return isNew(method, members) ? judgeCreate({ exchange, segment, members }) : "unsure";
    if (method !== "PATCH") return "unsure";
    return (await judgeChange({ exchange, segment, recordId, members })) ?? "unsure";
  };

  /** The first item that PocketBase would refuse, if that is certain. */
  const findFault = async (exchange: Exchange, items: readonly BatchItem[]): Promise<Refusal | undefined> => {
    const files = filesByItem(exchange.batchFiles?.list ?? []);
    for (const [index, item] of items.entries()) {
      const judged = await judgeItem(exchange, item, withFiles(item.body, files.get(index)));
      if (judged === "unsure") return undefined;
      if (judged !== "fine") return failedRecord(index, judged, failureOf(item));
    }
    return undefined;
  };

  const check = async (exchange: Exchange): Promise<undefined> => {
    const items = batchItemsOf(exchange.batchPayload);
    const refusal = await findFault(exchange, items);
    if (refusal === undefined) return undefined;
    // Whether PocketBase can read the batch, and whether batches are allowed, comes first.
    const isRead = !items.some(({ body }) => holdsInfinity(body)) && items.length <= (await batchItemsMax());
    if (isRead) throw refusal;
    return undefined;
  };

  return (exchange) => {
    const { batchFiles, batchPayload, body } = exchange;
    if (batchPayload === undefined) return undefined;
    if (batchFiles === undefined || batchFiles.isWhole || body.kind !== "stream") return check(exchange);
    exchange.body = { ...body, source: checkedEnd(body.source, () => check(exchange)) };
    return undefined;
  };
};

// An upsert looks for a record to change only where an id is given.
const isNew = (method: string, members: Members): boolean =>
  method === "POST" || (method === "PUT" && !Object.hasOwn(members, "id"));

const failureOf = ({ method }: BatchItem): string => FAILED[method === "PATCH" ? "update" : "create"];
