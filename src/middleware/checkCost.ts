// The operator's bounds on what a query may cost (`Validation.Query`): for lists, and for `expand` wherever records are
// answered. PocketBase's own refusals come first.
import { batchItemsOf } from "../batch/batchItems.ts";
import { Refusal } from "../errors.ts";
import { type Exchange, rankOf } from "../exchange.ts";
import { expandOverLimit, hasLimits, listOverLimit, type OverLimit } from "../rules/queryLimits.ts";
import type { Services } from "../services.ts";
import { readGoQuery } from "../utils/goQuery.ts";

const LIST = /^\/api\/collections\/([^/]+)\/records$/;

/** @throws Refusal `query_too_costly`. */
export interface CheckCost {
  /** Of a request of its own. */
  request(exchange: Exchange): undefined;
  /** Of the requests in a batch. */
  batch(exchange: Exchange): undefined;
}

/** Undefined when there are no bounds. */
export const createCheckCost = ({ collections, settings }: Services): CheckCost | undefined => {
  const limits = settings.validation.query;
  if (!hasLimits(limits)) return undefined;

  const overLimit = ({ method, path, query }: Exchange): OverLimit | undefined => {
    const values = readGoQuery(query);
    const segment = method === "GET" || method === "HEAD" ? LIST.exec(path)?.[1] : undefined;
    if (segment === undefined) return expandOverLimit(values, limits);
    const { find } = collections.current();
    const base = find(segment);
    // A missing collection and a closed one have answers of their own.
    if (base === undefined || base.rules.list === null) return undefined;
    return listOverLimit(values, { find, base, isPrivileged: false }, limits);
  };

  return {
    request: (exchange) => {
      if (exchange.query !== "" && rankOf(exchange.principal) !== "superuser") refuse(overLimit(exchange));
    },
    batch: (exchange) => {
      if (rankOf(exchange.principal) === "superuser") return;
      for (const { url } of batchItemsOf(exchange.batchPayload))
        refuse(expandOverLimit(readGoQuery(url.split("?")[1] ?? ""), limits));
    },
  };
};

const refuse = (found: OverLimit | undefined): void => {
  if (found === undefined) return;
  const { parameter, code, message } = found;
  throw new Refusal("query_too_costly", { data: { [parameter]: { code, message } } });
};
