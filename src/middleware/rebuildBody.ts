// Bodies that `admit` reads and writes anew instead of passing them through.
import { rebuildMultipartBatch } from "../batch/multipartBatch.ts";
import { rebuildBatchPayload } from "../batch/subRequests.ts";
import { checkFormQuery, rebuildMultipartForm, rebuildUrlencodedForm } from "../bodies/formBody.ts";
import { fromReadable, toReadable } from "../bodies/readable.ts";
import { readBody } from "../bodies/readBody.ts";
import { rebuildStructBody } from "../bodies/structBody.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { RequestBody } from "../http/answer.ts";
import { multipartCodec } from "../multipart/codec.ts";

const STRUCT_BYTES_MAX = 1_048_576;
const BATCH_BYTES_MAX = 33_554_432;
const TIMEOUT_MS = 30_000;

type StreamBody = RequestBody & { readonly kind: "stream" };

interface RebuildOptions {
  readonly contentType: string | undefined;
  readonly isAdmin: boolean;
}

/** The exchange with its body replaced by what Hapta read and checked. */
export const rebuildBody = async (
  exchange: Exchange,
  body: StreamBody,
  options: RebuildOptions,
): Promise<Exchange> => {
  const { contentType = "" } = options;
  const isBatch = exchange.route.body === "batch";
  // PocketBase matches these prefixes case-sensitively.
  const isMultipart = contentType.startsWith("multipart/form-data");
  if (isBatch && isMultipart) return await rebuildMultipart(exchange, body, options);
  const isJson = contentType.startsWith("application/json");
  const isForm = !isBatch && (isMultipart || contentType.startsWith("application/x-www-form-urlencoded"));
  if (!isJson && !isForm) throw new Refusal("media_type_unsupported");
  if (isForm) checkFormQuery(exchange.query);
  const bytesMax = isBatch ? BATCH_BYTES_MAX : STRUCT_BYTES_MAX;
  if ((body.length ?? 0) > bytesMax) throw new Refusal("body_too_large");
  const bytes = await readBody(body.source, { bytesMax, timeoutMs: TIMEOUT_MS });
  if (bytes.length === 0) return { ...exchange, body: { kind: "none" } };
  if (isForm) return withForm(exchange, bytes, contentType);
  const rebuilt = isBatch
    ? rebuildBatchPayload(bytes, { isAdmin: options.isAdmin })
    : rebuildStructBody(bytes);
  return { ...exchange, body: { kind: "bytes", bytes: rebuilt } };
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
      contentType: options.contentType ?? "",
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
