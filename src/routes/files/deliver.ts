// A resumable upload that is whole, on its way into its record: as a form of its own, in the name of who uploaded it.
// PocketBase judges it as any other upload.

import { changed } from "../../cache/written.ts";
import { Refusal } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import { DiskSource } from "../../files/diskSource.ts";
import { startFileCheck } from "../../files/fileCheck.ts";
import type { Spooled } from "../../files/spool.ts";
import type { UploadOptions } from "../../files/uploadRewriter.ts";
import { UploadRewriter } from "../../files/uploadRewriter.ts";
import type { Answer, BodySink, BodySource } from "../../http/answer.ts";
import { gatherAnswer } from "../../http/gatherAnswer.ts";
import { multipartCodec } from "../../multipart/codec.ts";
import { isMultiple } from "../../pocketbase/collection.ts";
import type { Services } from "../../services.ts";

const HELD = { bytesMax: 1_048_576, timeoutMs: 30_000 };

/** Sends an upload and gives PocketBase's answer. @throws Refusal when there is none, or the file is not accepted. */
export type Deliver = (exchange: Exchange, upload: Spooled) => Promise<Answer>;

export const createDeliver = (services: Services): Deliver => {
  const { cache, collections, pool, settings } = services;
  return async (exchange, upload) => {
    const collection = collections.current().find(upload.collectionId);
    const field = collection?.fieldByName.get(upload.field);
    if (collection === undefined || field?.type !== "file") throw new Refusal("not_found");
    const name = isMultiple(field) ? `${field.name}+` : field.name;
    const rewriter = new UploadRewriter(
      ...formOf(upload, name, { ...settings.files, principal: exchange.principal }),
    );
    const path = `/api/collections/${collection.id}/records/${upload.recordId}`;
    const write = cache.underway.begin(changed(collection, upload.recordId), [], "a resumable upload");
    try {
      const answer = await send(pool, exchange, {
        path,
        rewriter,
        bodyBytesMax: settings.server.bodyBytesMax,
      });
      write.end(answer.status >= 400 && answer.status < 500 ? "refused" : "done");
      return await gatherAnswer(answer, HELD);
    } catch (error) {
      write.end("done");
      throw rewriter.refusal ?? error;
    }
  };
};

const formOf = (
  upload: Spooled,
  name: string,
  { principal, inspect }: Pick<Exchange, "principal"> & Services["settings"]["files"],
): [BodySource, UploadOptions] => {
  const writer = multipartCodec.createWriter();
  const session = principal.kind === "guest" ? undefined : principal.session;
  const meta = {
    collection: upload.collectionId,
    record: upload.recordId,
    user: session === undefined ? undefined : { collection: session.cid, id: session.uid },
  };
  const parts = [
    writer.partStart({ name, filename: upload.filename }),
    new DiskSource(upload.path, 0, upload.size),
    Buffer.concat([writer.partEnd(), writer.end()]),
  ] as const;
  const check: UploadOptions["check"] =
    inspect === undefined
      ? undefined
      : (file, onRoom) => startFileCheck(inspect, { ...file, ...meta }, onRoom);
  return [framed(...parts), { contentType: writer.contentType, codec: multipartCodec, check }];
};

const framed = (start: Uint8Array, source: BodySource, end: Uint8Array): BodySource => ({
  start: (sink: BodySink) => {
    sink.data(start);
    source.start({
      data: (chunk) => sink.data(chunk),
      end: () => {
        sink.data(end);
        sink.end();
      },
      fail: (error) => sink.fail(error),
    });
  },
  resume: () => source.resume(),
  cancel: () => source.cancel(),
});

interface Sending {
  readonly path: string;
  readonly rewriter: UploadRewriter;
  readonly bodyBytesMax: number;
}

const send = (
  pool: Services["pool"],
  { client, credential = "" }: Exchange,
  { path, rewriter, bodyBytesMax }: Sending,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const lines = [
      `PATCH ${path} HTTP/1.1`,
      `Host: ${pool.authority}`,
      `Content-Type: ${rewriter.contentType}`,
      `Authorization: ${credential}`,
      `X-Forwarded-For: ${client.address}`,
    ];
    const request = {
      method: "PATCH",
      head: `${lines.join("\r\n")}\r\n`,
      body: { kind: "stream", source: rewriter, length: undefined },
      bodyBytesMax,
      isStream: false,
      fairnessKey: client.address,
    } as const;
    pool.request(request, {
      // The upload is whole: it goes on when its client leaves.
      onPending: () => undefined,
      onAnswer: resolve,
      onFailure: (error) => reject(new Refusal("upstream_unreachable", { cause: error })),
    });
  });
