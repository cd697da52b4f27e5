// Writes to collections that have refinements of the operator's: their bodies are read whole, whatever they travel in,
// and nothing that could not be judged goes on to PocketBase.
import { failedRecord } from "../batch/batchFaults.ts";
import { type BatchItem, batchItemsOf } from "../batch/batchItems.ts";
import { Refusal } from "../errors.ts";
import { type Exchange, rankOf } from "../exchange.ts";
import type { Collection } from "../pocketbase/collection.ts";
import type { FieldErrors } from "../schema/fieldError.ts";
import { createRefinement } from "../schema/refinement.ts";
import { FAILED } from "../schema/validateBody.ts";
import type { Services } from "../services.ts";

const RECORD = /^\/api\/collections\/([^/?]+)\/records(\/[^/?]+)?(?:\?|$)/;

type Members = Readonly<Record<string, unknown>>;
type Judge = ReturnType<typeof createRefinement>;

interface Place {
  readonly collection: Collection;
  readonly judge: Judge;
  readonly action: "create" | "update";
}

/** @throws Refusal `record_invalid`, or what keeps a body from being read. */
export interface RefineWrites {
  record(exchange: Exchange): undefined | Promise<undefined>;
  batch(exchange: Exchange): undefined | Promise<undefined>;
}

export const createRefineWrites = (
  services: Services,
  readMembers: (exchange: Exchange) => Promise<Members>,
): RefineWrites | undefined => {
  const { collections, settings } = services;
  const refinements = [...settings.validation.collections].map(
    ([key, refine]) => [key, createRefinement(refine)] as const,
  );
  if (refinements.length === 0) return undefined;

  // One collection has many spellings: its id, its name, and its name in any case.
  const placeOf = (method: string, url: string): Place | undefined => {
    const [, segment, record] = RECORD.exec(url) ?? [];
    const action = ACTIONS[`${method} ${record === undefined ? "all" : "one"}`];
    const collection = segment === undefined ? undefined : collections.current().find(decoded(segment));
    const found = refinements.find(([key]) => collections.find(key)?.id === collection?.id);
    if (collection === undefined || found === undefined || action === undefined) return undefined;
    return { collection, judge: found[1], action };
  };

  const errorsOf = createErrorsOf(collections);

  const judgeRecord = async (exchange: Exchange): Promise<undefined> => {
    if (placeOf(exchange.method, exchange.path) === undefined) return undefined;
    const members = await readMembers(exchange);
    // Only now: the collection may have changed meanwhile.
    const place = placeOf(exchange.method, exchange.path);
    const errors = place === undefined ? undefined : await errorsOf(place, exchange, members);
    if (place !== undefined && errors !== undefined)
      throw new Refusal("record_invalid", { data: errors, message: FAILED[place.action] });
    return undefined;
  };

  const judgeBatch = async (exchange: Exchange, items: readonly BatchItem[]): Promise<undefined> => {
    for (const [index, { method, url, body }] of items.entries()) {
      const place = placeOf(method, url);
      const errors = place === undefined ? undefined : await errorsOf(place, exchange, body);
      if (place !== undefined && errors !== undefined)
        throw failedRecord(index, errors, FAILED[place.action]);
    }
    return undefined;
  };

  // A collection that is not known may be new, and have a refinement.
  const isNew = (url: string): boolean => {
    const segment = RECORD.exec(url)?.[1];
    return segment !== undefined && collections.current().find(decoded(segment)) === undefined;
  };
  const learn = async (): Promise<void> => {
    if (!(await collections.confirm(0))) throw new Refusal("upstream_unreachable");
  };

  return {
    record: (exchange) => {
      const { method, path } = exchange;
      if (isNew(path)) return learn().then(() => judgeRecord(exchange));
      return placeOf(method, path) === undefined ? undefined : judgeRecord(exchange);
    },
    batch: (exchange) => {
      const items = batchItemsOf(exchange.batchPayload);
      if (items.some(({ url }) => isNew(url))) return learn().then(() => judgeBatch(exchange, items));
      return judgeBatch(exchange, items);
    },
  };
};

// PocketBase folds letters beyond ASCII, which come escaped.
const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // no UTF-8: names nothing
  }
};

const createErrorsOf =
  (collections: Services["collections"]) =>
  async (place: Place, exchange: Exchange, members: Members): Promise<FieldErrors | undefined> => {
    const { action, collection, judge } = place;
    const isSuperuser = rankOf(exchange.principal) !== "other";
    const errors = judge(collection, members, { action, isSuperuser });
    if (errors === undefined || isSuperuser || collection.rules[action] !== null) return errors;
    // Who may not write whatever he sends hears that from PocketBase, if the collection is still so.
    if (!(await collections.confirm(0))) return errors;
    return collections.all().includes(collection) ? undefined : errors;
  };

/** What each request does to a record; an upsert has to stand as a creation. */
const ACTIONS: Readonly<Record<string, "create" | "update">> = {
  "POST all": "create",
  "PUT all": "create",
  "PATCH one": "update",
};
