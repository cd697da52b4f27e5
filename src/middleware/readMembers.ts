// Bodies that the operator has rules for, read whole whatever they travel in: JSON strictly, and written anew, and forms.
// Judges nothing; what can't be read without doubt is refused.
import { BodyBudget } from "../bodies/bodyBudget.ts";
import { createCountedSource } from "../bodies/countedSource.ts";
import { readFormFields } from "../bodies/formFields.ts";
import { readBody } from "../bodies/readBody.ts";
import { readRecordBody } from "../bodies/recordBody.ts";
import { ERRORS, Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { multipartCodec } from "../multipart/codec.ts";
import { toFormBody } from "../schema/formBody.ts";
import { headerValue } from "../utils/headers.ts";

const JSON_BYTES_MAX = 1_048_576;
const FORM_BYTES_MAX = 8_388_608;
const TIMEOUT_MS = 30_000;
/** For all bodies that are being read at the same time. */
const BUDGET = { bytesMax: 134_217_728, bytesPerClientMax: 33_554_432 };
const FORM = /^(?:multipart\/form-data|application\/x-www-form-urlencoded)/;

type Members = Readonly<Record<string, unknown>>;

/** PocketBase's answer to a body that it can't read. */
const asPocketBase = (): Refusal => new Refusal("body_invalid", { message: ERRORS.query_invalid.message });

/** Makes the reader of all bodies that the operator has rules for; they share one budget of memory. */
export const createReadMembers = (): ((exchange: Exchange) => Promise<Members>) => {
  const budget = new BodyBudget(BUDGET);
  return async (exchange) => (exchange.body.kind === "none" ? {} : await readMembers(exchange, budget));
};

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
