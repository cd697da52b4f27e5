// Writes to collections that have refinements of the operator's: their bodies are read whole, whatever they travel in,
// and nothing that could not be judged goes on to PocketBase.
import { failedRecord } from "../batch/batchFaults.ts";
import { type BatchItem, batchItemsOf } from "../batch/batchItems.ts";
import { BodyBudget } from "../bodies/bodyBudget.ts";
import { createCountedSource } from "../bodies/countedSource.ts";
import { readFormFields } from "../bodies/formFields.ts";
import { readBody } from "../bodies/readBody.ts";
import { readRecordBody } from "../bodies/recordBody.ts";
import { ERRORS, Refusal } from "../errors.ts";
import { type Exchange, rankOf } from "../exchange.ts";
import { multipartCodec } from "../multipart/codec.ts";
import type { Collection } from "../pocketbase/collection.ts";
import type { FieldErrors } from "../schema/fieldError.ts";
import { toFormBody } from "../schema/formBody.ts";
import { createRefinement } from "../schema/refinement.ts";
import { FAILED } from "../schema/validateBody.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";

const RECORD = /^\/api\/collections\/([^/?]+)\/records(\/[^/?]+)?(?:\?|$)/;
const JSON_BYTES_MAX = 1_048_576;
const FORM_BYTES_MAX = 8_388_608;
const TIMEOUT_MS = 30_000;
/** For all bodies that are being read at the same time. */
const BUDGET = { bytesMax: 134_217_728, bytesPerClientMax: 33_554_432 };

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

export const createRefineWrites = (services: Services): RefineWrites | undefined => {
  const { collections, settings } = services;
  const refinements = [...settings.validation.collections].map(
    ([key, refine]) => [key, createRefinement(refine)] as const,
  );
  if (refinements.length === 0) return undefined;
  const budget = new BodyBudget(BUDGET);

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
    const members = exchange.body.kind === "none" ? {} : await readMembers(exchange, budget);
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

const FORM = /^(?:multipart\/form-data|application\/x-www-form-urlencoded)/;

/** What each request does to a record; an upsert has to stand as a creation. */
const ACTIONS: Readonly<Record<string, "create" | "update">> = {
  "POST all": "create",
  "PUT all": "create",
  "PATCH one": "update",
};

/** PocketBase's answer to a body that it can't read. */
const asPocketBase = (): Refusal => new Refusal("body_invalid", { message: ERRORS.query_invalid.message });

const readMembers = async (exchange: Exchange, budget: BodyBudget): Promise<Members> => {
  const contentType = headerValue(exchange.headers, "content-type") ?? "";
  const isJson = contentType.startsWith("application/json");
  if (!isJson && !FORM.test(contentType)) throw new Refusal("media_type_unsupported");
  const bytes = await readWhole(exchange, isJson ? JSON_BYTES_MAX : FORM_BYTES_MAX, budget);
  if (bytes.length === 0) return {};
  if (!isJson) {
    const form = { contentType, query: exchange.query, codec: multipartCodec };
    const texts = readFormFields(bytes, form).filter(({ value }) => typeof value === "string");
    const members = toFormBody(texts);
    if (members === undefined) throw asPocketBase();
    return members;
  }
  const body = readRecordBody(bytes);
  if (body === undefined) throw asPocketBase();
  exchange.body = { kind: "bytes", bytes: body.bytes };
  return body.members;
};

const readWhole = async (exchange: Exchange, bytesMax: number, budget: BodyBudget): Promise<Uint8Array> => {
  const { body, client } = exchange;
  if (body.kind === "none") return new Uint8Array();
  if (body.kind === "bytes") {
    if (body.bytes.length > bytesMax) throw new Refusal("body_too_large");
    return body.bytes;
  }
  if ((body.length ?? 0) > bytesMax) throw new Refusal("body_too_large");
  const source = createCountedSource(body.source, budget, client.block);
  try {
    const bytes = await readBody(source, { bytesMax, timeoutMs: TIMEOUT_MS });
    exchange.body = bytes.length === 0 ? { kind: "none" } : { kind: "bytes", bytes };
    return bytes;
  } finally {
    source.release();
  }
};
