// Batches of JSON: refused when the first item that PocketBase would not take is known, and all before it are. Forms with
// files, and items that change or delete, are left to PocketBase.

import { failedRecord } from "../batch/batchFaults.ts";
import { type BatchItem, batchItemsOf } from "../batch/batchItems.ts";
import type { Exchange } from "../exchange.ts";
import type { FieldErrors } from "../schema/fieldError.ts";
import { FAILED } from "../schema/validateBody.ts";
import type { Services } from "../services.ts";

const RECORDS = /^\/api\/collections\/([^/?]+)\/records(?:\?|$)/;

interface NewRecord {
  readonly segment: string;
  readonly principal: Exchange["principal"];
  readonly members: Readonly<Record<string, unknown>>;
}

/** @throws Refusal `record_invalid`, with PocketBase's whole answer to such a batch. */
type CheckBatch = (exchange: Exchange) => undefined | Promise<undefined>;

export const createCheckBatch = (
  { batchItemsMax }: Services,
  judge: (record: NewRecord) => Promise<FieldErrors | "fine" | "unsure">,
): CheckBatch => {
  const judgeItem = async ({ method, url, body }: BatchItem, principal: Exchange["principal"]) => {
    const segment = method === "POST" ? RECORDS.exec(url)?.[1] : undefined;
    return segment === undefined ? "unsure" : judge({ segment, principal, members: body });
  };

  const check = async ({ batchPayload, principal }: Exchange): Promise<undefined> => {
    const items = batchItemsOf(batchPayload);
    for (const [index, item] of items.entries()) {
      const judged = await judgeItem(item, principal);
      if (judged === "unsure") return undefined;
      if (judged === "fine") continue;
      // Whether batches are allowed comes first.
      if (items.length > (await batchItemsMax())) return undefined;
      throw failedRecord(index, judged, FAILED.create);
    }
    return undefined;
  };
  return (exchange) => (exchange.body.kind === "bytes" ? check(exchange) : undefined);
};
