// Bodies of records: short JSON ones are read strictly and written anew, and new records and changes are judged, those in
// short forms too.
import { BodyBudget } from "../bodies/bodyBudget.ts";
import { readFormFields } from "../bodies/formFields.ts";
import { readUpTo } from "../bodies/readUpTo.ts";
import { readRecordBody } from "../bodies/recordBody.ts";
import { Refusal } from "../errors.ts";
import { type Exchange, rankOf } from "../exchange.ts";
import { multipartCodec } from "../multipart/codec.ts";
import { toFormBody } from "../schema/formBody.ts";
import type { RecordJudges } from "../schema/recordJudges.ts";
import { FAILED } from "../schema/validateBody.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";

const PATH = /^\/api\/collections\/([^/]+)\/records(?:\/([^/]+))?$/;
/** Larger bodies flow on to PocketBase unread: reading one of this size strictly may cost 4 ms of CPU. */
const JSON_BYTES_MAX = 32_768;
/** Files and all. */
const FORM_BYTES_MAX = 65_536;
/** Of the other kind of form, whose parts are not limited; PocketBase judges those that have more. */
const FORM_FIELDS_MAX = 1_000;
const TIMEOUT_MS = 30_000;
/** For all bodies that are being read at the same time; those that find no room flow on unread. */
const BUDGET = { bytesMax: 67_108_864, bytesPerClientMax: 8_388_608 };

type Members = Readonly<Record<string, unknown>>;

interface Place {
  readonly segment: string;
  /** Undefined for a new record. */
  readonly recordId: string | undefined;
}

/** @throws Refusal `record_invalid`, `body_invalid`, or `body_too_slow`. */
type CheckRecord = (exchange: Exchange) => undefined | Promise<undefined>;

/** Makes the check of bodies; the judges say what is wrong with them. */
export const createCheckRecord = (
  { collections }: Services,
  { judgeCreate, judgeChange }: RecordJudges<Exchange>,
): CheckRecord => {
  const budget = new BodyBudget(BUDGET);

  const check = async (
    exchange: Exchange,
    { segment, recordId }: Place,
    format: Format,
  ): Promise<undefined> => {
    const bytes = await readShort(exchange, budget, format.bytesMax);
    const members = bytes === undefined ? undefined : format.read(exchange, bytes);
    if (members === undefined) return undefined;
    const judged =
      recordId === undefined
        ? await judgeCreate({ exchange, segment, members })
        : await judgeChange({ exchange, segment, recordId, members });
    const message = FAILED[recordId === undefined ? "create" : "update"];
    if (typeof judged === "object") throw new Refusal("record_invalid", { data: judged, message });
    return undefined;
  };

  // PocketBase answers 403 to whatever comes here.
  const isClosed = ({ method, principal }: Exchange, segment: string): boolean => {
    const rules = collections.current().find(segment)?.rules;
    return rankOf(principal) === "other" && rules?.[method === "POST" ? "create" : "update"] === null;
  };

  return (exchange) => {
    const { body, headers, method, path } = exchange;
    if (body.kind === "none" || (method !== "POST" && method !== "PATCH")) return undefined;
    const format = formatOf(headerValue(headers, "content-type") ?? "");
    const [, segment, recordId] = PATH.exec(path) ?? [];
    if (format === undefined || segment === undefined) return undefined;
    if ((recordId === undefined) !== (method === "POST") || isClosed(exchange, segment)) return undefined;
    return check(exchange, { segment, recordId }, format);
  };
};

interface Format {
  readonly bytesMax: number;
  /** Undefined for what is left to PocketBase. */
  read(exchange: Exchange, bytes: Uint8Array): Members | undefined;
}

const JSON_BODY: Format = {
  bytesMax: JSON_BYTES_MAX,
  read: (exchange, bytes) => {
    const read = readRecordBody(bytes);
    if (read !== undefined) exchange.body = { kind: "bytes", bytes: read.bytes };
    return read?.members;
  },
};

const FORM: Format = {
  bytesMax: FORM_BYTES_MAX,
  read: ({ headers, query }, bytes) => {
    const contentType = headerValue(headers, "content-type") ?? "";
    if (!contentType.startsWith("multipart/form-data") && isCrowded(bytes)) return undefined;
    try {
      return toFormBody(readFormFields(bytes, { contentType, query, codec: multipartCodec }));
    } catch (error) {
      // Who passes a multipart form on reads it as closely as it is read here; other forms PocketBase may read.
      const isFinal = contentType.startsWith("multipart/form-data") && query === "";
      if (error instanceof Refusal && !isFinal) return undefined;
      throw error;
    }
  },
};

const isCrowded = (bytes: Uint8Array): boolean => {
  let count = 0;
  for (let at = bytes.indexOf(AMPERSAND); at >= 0; at = bytes.indexOf(AMPERSAND, at + 1)) count++;
  return count > FORM_FIELDS_MAX;
};
const AMPERSAND = 38;

// PocketBase matches the type case-sensitively.
const formatOf = (contentType: string): Format | undefined => {
  if (contentType.startsWith("application/json")) return JSON_BODY;
  return /^(?:multipart\/form-data|application\/x-www-form-urlencoded)/.test(contentType) ? FORM : undefined;
};

const readShort = async (
  exchange: Exchange,
  budget: BodyBudget,
  bytesMax: number,
): Promise<Uint8Array | undefined> => {
  const { body, client } = exchange;
  if (body.kind === "none") return undefined;
  if (body.kind === "bytes") return body.bytes.length > bytesMax ? undefined : body.bytes;
  const reserved = body.length ?? bytesMax;
  if (reserved > bytesMax || !budget.tryTake(client.block, reserved)) return undefined;
  try {
    const read = await readUpTo(body.source, { bytesMax, timeoutMs: TIMEOUT_MS });
    exchange.body =
      read.kind === "longer" ? { ...body, source: read.source } : { kind: "bytes", bytes: read.bytes };
    return read.kind === "whole" ? read.bytes : undefined;
  } finally {
    budget.give(client.block, reserved);
  }
};
