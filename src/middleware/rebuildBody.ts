// Bodies that `admit` reads and writes anew instead of passing them through, and those whose signature it must see whole.
import { createHash } from "node:crypto";
import { rebuildMultipartBatch } from "../batch/multipartBatch.ts";
import { rebuildBatchPayload } from "../batch/subRequests.ts";
import { BodyBudget, type BudgetLimits } from "../bodies/bodyBudget.ts";
import { createCountedSource } from "../bodies/countedSource.ts";
import { checkFormQuery, rebuildMultipartForm, rebuildUrlencodedForm } from "../bodies/formBody.ts";
import { fromReadable, toReadable } from "../bodies/readable.ts";
import { readBody } from "../bodies/readBody.ts";
import { rebuildStructBody } from "../bodies/structBody.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { BodySource, RequestBody } from "../http/answer.ts";
import { multipartCodec } from "../multipart/codec.ts";
import { checkTopics, stringsIn } from "../realtime/topicHeaders.ts";
import { headerValue } from "../utils/headers.ts";

const STRUCT_BYTES_MAX = 1_048_576;
const BATCH_BYTES_MAX = 33_554_432;
/** Largest body whose digest is checked; a signature over a larger one leaves the body out. */
const SIGNED_BYTES_MAX = 8_388_608;
/** For all bodies that are in memory at the same time: in all, and of one client. */
const BUDGET: BudgetLimits = { bytesMax: 268_435_456, bytesPerClientMax: 67_108_864 };
const TIMEOUT_MS = 30_000;

type StreamBody = RequestBody & { readonly kind: "stream" };

interface RebuildOptions {
  readonly contentType: string;
  readonly isAdmin: boolean;
}

type BodyFormat = "json" | "multipart" | "urlencoded" | "batch-form";

export type RebuildBody = (
  exchange: Exchange,
  body: StreamBody,
  options: RebuildOptions,
) => Promise<Exchange>;

/**
 * Makes the function that replaces the body of an exchange by what Hapta read and checked.
 *
 * @param onRefused - Told how much was read of a body that was refused then.
 */
export const createRebuildBody = (onRefused: (exchange: Exchange, bytes: number) => void): RebuildBody => {
  const budget = new BodyBudget(BUDGET);
  return async (exchange, body, options) => {
    if (exchange.isSigned && exchange.route.body === "stream" && isUndigested(exchange, body))
      return exchange;
    const source = createCountedSource(body.source, budget, exchange.client.block);
    try {
      const counted: StreamBody = { ...body, source };
      return await (exchange.isSigned
        ? rebuildSigned(exchange, counted, options)
        : rebuild(exchange, counted, options));
    } catch (error) {
      if (error instanceof Refusal) onRefused(exchange, source.bytes);
      throw error;
    } finally {
      source.release();
    }
  };
};

// A signer leaves the digest of a large body out, because Hapta would have to hold the body to check it.
const isUndigested = ({ headers }: Exchange, { length = 0 }: StreamBody): boolean =>
  length > SIGNED_BYTES_MAX && headerValue(headers, "content-digest") === undefined;

// What was signed is whole before PocketBase sees a byte: it may act on a JSON value, or a form, before the body's end.
const rebuildSigned = async (
  exchange: Exchange,
  body: StreamBody,
  options: RebuildOptions,
): Promise<Exchange> => {
  const { source, length = 0 } = body;
  const { headers, query } = exchange;
  if (isUndigested(exchange, body))
    return rebuild({ ...exchange, asSigned: { headers, query, bodyDigest: undefined } }, body, options);
  if (length > SIGNED_BYTES_MAX) throw new Refusal("body_too_large");
  const bytes = await readBody(source, { bytesMax: SIGNED_BYTES_MAX, timeoutMs: TIMEOUT_MS });
  const bodyDigest = createHash("sha256").update(bytes).digest("base64");
  const digested: Exchange = { ...exchange, asSigned: { headers, query, bodyDigest } };
  if (exchange.route.body !== "stream")
    return rebuild(digested, { kind: "stream", source: sourceOf(bytes), length: bytes.length }, options);
  return { ...digested, body: bytes.length === 0 ? { kind: "none" } : { kind: "bytes", bytes } };
};

const sourceOf = (bytes: Uint8Array): BodySource => ({
  start: (sink) => {
    if (bytes.length > 0) sink.data(bytes);
    sink.end();
  },
  resume: () => undefined,
  cancel: () => undefined,
});

const rebuild = async (exchange: Exchange, body: StreamBody, options: RebuildOptions): Promise<Exchange> => {
  const { route } = exchange;
  const format = formatOf(options.contentType, route.body === "batch");
  const bytesMax = route.body === "batch" ? BATCH_BYTES_MAX : STRUCT_BYTES_MAX;
  if ((body.length ?? 0) > bytesMax && format !== "batch-form") throw new Refusal("body_too_large");
  if (format === "batch-form") return await rebuildMultipart(exchange, body.source, options);
  const bytes = await readBody(body.source, { bytesMax, timeoutMs: TIMEOUT_MS });
  return rebuildBytes(exchange, bytes, { ...options, format });
};

// PocketBase matches these prefixes case-sensitively.
const formatOf = (contentType: string, isBatch: boolean): BodyFormat => {
  if (contentType.startsWith("application/json")) return "json";
  if (contentType.startsWith("multipart/form-data")) return isBatch ? "batch-form" : "multipart";
  if (contentType.startsWith("application/x-www-form-urlencoded") && !isBatch) return "urlencoded";
  throw new Refusal("media_type_unsupported");
};

const rebuildBytes = (
  exchange: Exchange,
  bytes: Uint8Array,
  options: RebuildOptions & { readonly format: BodyFormat },
): Exchange => {
  if (bytes.length === 0) return { ...exchange, body: { kind: "none" } };
  if (exchange.route.body === "batch") {
    const payload = rebuildBatchPayload(bytes, options);
    return { ...exchange, batchPayload: payload, body: { kind: "bytes", bytes: payload } };
  }
  if (options.format === "json") {
    const checked = rebuildStructBody(bytes);
    if (exchange.route.kind === "realtime") checkTopics(stringsIn(Buffer.from(checked).toString("utf8")));
    return { ...exchange, body: { kind: "bytes", bytes: checked } };
  }
  checkFormQuery(exchange.query);
  return withForm(exchange, bytes, options.contentType);
};

const withForm = (exchange: Exchange, bytes: Uint8Array, contentType: string): Exchange => {
  const isMultipart = contentType.startsWith("multipart/form-data");
  const form = isMultipart
    ? rebuildMultipartForm(bytes, contentType, multipartCodec)
    : rebuildUrlencodedForm(bytes);
  if (exchange.route.kind === "realtime") checkTopics(formTexts(form.bytes, isMultipart));
  const headers = withContentType(exchange.headers, form.contentType);
  return { ...exchange, headers, body: { kind: "bytes", bytes: form.bytes } };
};

// Every value of a form, the strings of its payload included; a topic with a line break in it is none to PocketBase.
const formTexts = (bytes: Uint8Array, isMultipart: boolean): string[] => {
  const text = Buffer.from(bytes).toString("utf8");
  const values = isMultipart ? text.split("\r\n") : [...new URLSearchParams(text).values()];
  return values.flatMap((value) => [value, ...stringsIn(value)]);
};

const rebuildMultipart = async (
  exchange: Exchange,
  source: BodySource,
  options: RebuildOptions,
): Promise<Exchange> => {
  // Only for the wait until the payload is checked; the flow after that has the upstream's deadlines.
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Refusal("body_too_slow")), TIMEOUT_MS);
  try {
    const rebuilt = await rebuildMultipartBatch({
      stream: toReadable(source),
      contentType: options.contentType,
      isAdmin: options.isAdmin,
      payloadBytesMax: BATCH_BYTES_MAX,
      codec: multipartCodec,
      signal: deadline.signal,
    });
    const headers = withContentType(exchange.headers, rebuilt.contentType);
    return {
      ...exchange,
      headers,
      // PocketBase merges the query into a form; here it could only bring a second set of requests.
      query: "",
      batchPayload: rebuilt.payload,
      batchFiles: rebuilt.files,
      body: { kind: "stream", source: fromReadable(rebuilt.stream), length: undefined },
    };
  } finally {
    clearTimeout(timer);
  }
};

const withContentType = (headers: readonly string[], contentType: string): string[] => {
  const replaced = [...headers];
  for (let i = 0; i < replaced.length; i += 2) {
    if (replaced[i]?.toLowerCase() === "content-type") replaced[i + 1] = contentType;
  }
  return replaced;
};
