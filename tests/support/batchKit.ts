// Bodies of multipart batches, and what is made of them. Starts nothing.
import { Readable } from "node:stream";
import {
  type MultipartBatch,
  type MultipartBatchOptions,
  rebuildMultipartBatch,
} from "../../src/batch/multipartBatch.ts";
import { Refusal } from "../../src/errors.ts";
import { multipartCodec } from "../../src/multipart/codec.ts";

/** Where its item goes. */
export const URL = "/api/collections/cats/records";
/** A payload with one item. */
export const PAYLOAD = JSON.stringify({ extra: 1, requests: [{ url: URL, method: "POST", body: { a: 1 } }] });
/** The same as it is passed on. */
export const CHECKED = `{"requests":[{"method":"POST","url":"${URL}","body":{"a":1}}]}`;
/** Of bodies with the boundary BB. */
export const TYPE = "multipart/form-data; boundary=BB";
/** The final boundary. */
export const END = "--BB--\r\n";

/** A text part. */
export const text = (name: string, value: string): string =>
  `--BB\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
/** A file's part. */
export const file = (name: string, value: string, filename = "a.txt"): string =>
  `--BB\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: text/plain\r\n\r\n${value}\r\n`;
/** The part of the payload. */
export const payload = text("@jsonPayload", PAYLOAD);

/** Options beside the body. */
export type Rest = Partial<Omit<MultipartBatchOptions, "stream">>;
/** Rebuilds a body. */
export const rebuild = (source: Readable | string, rest: Rest = {}): Promise<MultipartBatch> =>
  rebuildMultipartBatch({
    stream: typeof source === "string" ? Readable.from([Buffer.from(source)], { objectMode: false }) : source,
    contentType: TYPE,
    isAdmin: false,
    payloadBytesMax: 10_000,
    codec: multipartCodec,
    ...rest,
  });

/** One part as it was read; data as latin1. */
export interface Part {
  name: string;
  filename?: string;
  data: string;
}

/** The parts of what was rebuilt. */
export const readParts = async (batch: MultipartBatch): Promise<Part[]> => {
  const parts: Part[] = [];
  const parser = multipartCodec.createParser(multipartCodec.readBoundary(batch.contentType), {
    part: ({ name, filename }) =>
      parts.push({ name, data: "", ...(filename === undefined ? {} : { filename }) }),
    data: (chunk) => {
      const last = parts.at(-1);
      if (last !== undefined) last.data += Buffer.from(chunk).toString("latin1");
    },
    partEnd: () => undefined,
    end: () => undefined,
  });
  for await (const chunk of batch.stream) parser.push(chunk);
  parser.finish();
  return parts;
};

/** The refusal that work ends with. */
export const refusalOf = async (work: Promise<unknown>): Promise<Refusal> => {
  const error = await work.then(
    () => new Error("nothing was refused"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Refusal)) throw error;
  return error;
};
/** Its reason. */
export const reasonOf = async (work: Promise<unknown>): Promise<string> => {
  const { detail } = await refusalOf(work);
  return String((detail.data?.["body"] as { message?: unknown } | undefined)?.message);
};
