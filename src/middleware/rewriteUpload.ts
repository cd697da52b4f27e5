// Uploads on their way to PocketBase: forms for records and batches are read strictly and written anew while they flow, and files
// pass the limits of their fields and the operator's own check.
import { batchItemsOf } from "../batch/batchItems.ts";
import { type FilePlace, filePlaceOf } from "../batch/filePlace.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { recordBodyBytesMax } from "../files/bodyLimit.ts";
import { startFileCheck } from "../files/fileCheck.ts";
import { type UploadJudge, UploadRewriter } from "../files/uploadRewriter.ts";
import type { BodySource } from "../http/answer.ts";
import { multipartCodec } from "../multipart/codec.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";

/** No record's body is refused for its size below this. */
const PLAIN_BYTES_MAX = 33_554_432;
const RECORDS = /^\/api\/collections\/([^/]+)\/records(?:\/([^/]+))?$/;

/** An exchange whose form is written anew, and what tells why that broke off. */
export interface Upload {
  readonly exchange: Exchange;
  readonly rewriter: UploadRewriter;
}

/** Makes an Upload of an exchange that is one. */
export type RewriteUpload = (exchange: Exchange) => Upload | undefined | Promise<Upload | undefined>;

/** @param judgeUpload - Makes the judge of an exchange's form. */
export const createRewriteUpload = (
  { collections, settings, uploads: { counts } }: Services,
  judgeUpload: (exchange: Exchange) => UploadJudge | undefined,
): RewriteUpload => {
  const { inspect } = settings.files;

  const rewrite = (exchange: Exchange, contentType: string): Upload => {
    const placeOf = createPlaceOf(exchange);
    const user = userOf(exchange);
    const rewriter = new UploadRewriter(sourceOf(exchange.body), {
      contentType,
      codec: multipartCodec,
      length: lengthOf(exchange.body),
      judge: judgeUpload(exchange),
      counts,
      check:
        inspect === undefined
          ? undefined
          : (file, onRoom) => startFileCheck(inspect, { ...file, ...placeOf(file.field), user }, onRoom),
    });
    const headers = withContentType(exchange.headers, rewriter.contentType);
    const body = { kind: "stream", source: rewriter, length: undefined } as const;
    return { exchange: { ...exchange, headers, body }, rewriter };
  };

  // Asked again before anybody is refused: the limit may have been raised a moment ago.
  const refuseTooLarge = async (segment: string, length: number): Promise<void> => {
    if (!isTooLarge(segment, length) || !(await collections.confirm(0))) return;
    if (isTooLarge(segment, length)) throw new Refusal("body_too_large");
  };

  const isTooLarge = (segment: string, length: number): boolean => {
    const collection = collections.current().find(segment);
    return collection !== undefined && length > recordBodyBytesMax(collection);
  };

  return (exchange) => {
    const { body, path, route } = exchange;
    if (body.kind === "none" || (route.kind !== "batch" && !RECORDS.test(path))) return undefined;
    // PocketBase matches the type case-sensitively; what it takes for no form, it refuses.
    const contentType = headerValue(exchange.headers, "content-type");
    if (contentType?.startsWith("multipart/form-data") !== true) return undefined;
    const length = body.kind === "stream" ? (body.length ?? 0) : 0;
    if (length <= PLAIN_BYTES_MAX || route.kind === "batch") return rewrite(exchange, contentType);
    return refuseTooLarge(route.collection ?? "", length).then(() => rewrite(exchange, contentType));
  };
};

/** What a part of the form belongs to, by its name. */
const createPlaceOf = ({ batchPayload, path, route }: Exchange): ((name: string) => FilePlace) => {
  if (route.kind === "batch") {
    const items = batchItemsOf(batchPayload);
    return (name) => filePlaceOf(items, name) ?? { collection: "", record: undefined, field: name };
  }
  const [, collection = "", record] = RECORDS.exec(path) ?? [];
  return (field) => ({ collection, record, field });
};

const userOf = ({ principal }: Exchange): { collection: string; id: string } | undefined => {
  const session = principal.kind === "guest" ? undefined : principal.session;
  return session === undefined ? undefined : { collection: session.cid, id: session.uid };
};

const lengthOf = (body: Exchange["body"]): number | undefined => {
  if (body.kind === "stream") return body.length;
  return body.kind === "bytes" ? body.bytes.length : 0;
};

const sourceOf = (body: Exchange["body"]): BodySource => {
  if (body.kind === "stream") return body.source;
  return {
    start: (sink) => {
      if (body.kind === "bytes") sink.data(body.bytes);
      sink.end();
    },
    resume: () => undefined,
    cancel: () => undefined,
  };
};

const withContentType = (headers: readonly string[], contentType: string): string[] =>
  headers.map((text, i) =>
    i % 2 === 1 && headers[i - 1]?.toLowerCase() === "content-type" ? contentType : text,
  );
