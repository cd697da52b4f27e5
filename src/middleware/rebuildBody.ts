// Bodies that `admit` reads and writes anew instead of passing them through.
import { rebuildMultipartBatch } from "../batch/multipartBatch.ts";
import { rebuildBatchPayload } from "../batch/subRequests.ts";
import { BodyBudget } from "../bodies/bodyBudget.ts";
import { checkFormQuery, rebuildMultipartForm, rebuildUrlencodedForm } from "../bodies/formBody.ts";
import { fromReadable, toReadable } from "../bodies/readable.ts";
import { readBody } from "../bodies/readBody.ts";
import { rebuildStructBody } from "../bodies/structBody.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { RequestBody } from "../http/answer.ts";
import { multipartCodec } from "../multipart/codec.ts";
import type { BodyPolicy } from "../pocketbase/routes.ts";

const STRUCT_BYTES_MAX = 1_048_576;
const BATCH_BYTES_MAX = 33_554_432;
/** For all bodies that are in memory at the same time. */
const BUFFERED_BYTES_MAX = 268_435_456;
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

/** Makes the function that replaces the body of an exchange by what Hapta read and checked. */
export const createRebuildBody = (): RebuildBody => {
  const budget = new BodyBudget(BUFFERED_BYTES_MAX);
  return async (exchange, body, options) => {
    const format = formatOf(options.contentType, exchange.route.body === "batch");
    const reserved = bytesToHold(exchange.route.body, body, format);
    if (!budget.tryTake(reserved)) throw new Refusal("overloaded", { retryAfterSeconds: 1 });
    try {
      if (format === "batch-form") return await rebuildMultipart(exchange, body, options);
      const bytes = await readBody(body.source, { bytesMax: reserved, timeoutMs: TIMEOUT_MS });
      return rebuildBytes(exchange, bytes, { ...options, format });
    } finally {
      budget.give(reserved);
    }
  };
};

// What a body may occupy while it is looked at; a multipart batch streams the rest.
const bytesToHold = (policy: BodyPolicy, body: StreamBody, format: BodyFormat): number => {
  const bytesMax = policy === "batch" ? BATCH_BYTES_MAX : STRUCT_BYTES_MAX;
  const length = body.length ?? bytesMax;
  if (length > bytesMax && format !== "batch-form") throw new Refusal("body_too_large");
  return Math.min(length, bytesMax);
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
    return { ...exchange, body: { kind: "bytes", bytes: rebuildBatchPayload(bytes, options) } };
  }
  if (options.format === "json")
    return { ...exchange, body: { kind: "bytes", bytes: rebuildStructBody(bytes) } };
  checkFormQuery(exchange.query);
  return withForm(exchange, bytes, options.contentType);
};

const withForm = (exchange: Exchange, bytes: Uint8Array, contentType: string): Exchange => {
  const isMultipart = contentType.startsWith("multipart/form-data");
  const form = isMultipart
    ? rebuildMultipartForm(bytes, contentType, multipartCodec)
    : rebuildUrlencodedForm(bytes);
  const headers = withContentType(exchange.headers, form.contentType);
  return { ...exchange, headers, body: { kind: "bytes", bytes: form.bytes } };
};

const rebuildMultipart = async (
  exchange: Exchange,
  body: StreamBody,
  options: RebuildOptions,
): Promise<Exchange> => {
  // Only for the wait until the payload is checked; the flow after that has the upstream's deadlines.
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Refusal("body_too_slow")), TIMEOUT_MS);
  try {
    const rebuilt = await rebuildMultipartBatch({
      stream: toReadable(body.source),
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
