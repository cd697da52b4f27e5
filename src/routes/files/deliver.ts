// A resumable upload that is whole, on its way into its record: as a form of its own, in the name of who uploaded it.
// PocketBase judges it as any other upload.

import { wholeBody } from "../../bodies/wholeBody.ts";
import { outcomeOf } from "../../cache/underway.ts";
import { awaitedOf, changed } from "../../cache/written.ts";
import { Refusal } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import { DiskSource } from "../../files/diskSource.ts";
import { startFileCheck } from "../../files/fileCheck.ts";
import { FormJudge } from "../../files/formJudge.ts";
import type { Spooled } from "../../files/spool.ts";
import { type UploadJudge, type UploadOptions, UploadRewriter } from "../../files/uploadRewriter.ts";
import type { Answer, BodySink, BodySource } from "../../http/answer.ts";
import { gatherAnswer } from "../../http/gatherAnswer.ts";
import { multipartCodec } from "../../multipart/codec.ts";
import { type Collection, isMultiple } from "../../pocketbase/collection.ts";
import type { Services } from "../../services.ts";
import { createUpstreamTruth } from "../upstreamTruth.ts";
import { uploadPlace } from "./uploadPlace.ts";

const HELD = { bytesMax: 1_048_576, timeoutMs: 30_000 };

/** Sends an upload and gives PocketBase's answer. @throws Refusal when there is none, or the file is not accepted. */
export type Deliver = (exchange: Exchange, upload: Spooled) => Promise<Answer>;

export const createDeliver = (services: Services): Deliver => {
  const { cache, pool, settings } = services;
  const truth = createUpstreamTruth(services);
  return async (exchange, upload) => {
    const named = { collection: upload.collectionId, field: upload.field };
    const { collection, field } = await uploadPlace(services, named, exchange.principal);
    const name = isMultiple(field) ? `${field.name}+` : field.name;
    const rewriter = new UploadRewriter(
      ...formOf(upload, name, { ...settings.files, collection, principal: exchange.principal }),
    );
    const path = `/api/collections/${collection.id}/records/${upload.recordId}`;
    const names = changed(collection, upload.recordId);
    const write = cache.underway.begin(names, awaitedOf(names), "a resumable upload");
    try {
      const answer = await send(pool, exchange, {
        path,
        contentType: rewriter.contentType,
        source: wholeBody(rewriter, write.whole),
        bodyBytesMax: settings.server.bodyBytesMax,
      });
      // As after any write: it may have changed whose sessions count.
      const route = { kind: "records", body: "stream" } as const;
      if (answer.status < 300) await truth.afterWrite({ method: "PATCH", path, route });
      write.end(outcomeOf(answer.status));
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
  {
    collection,
    principal,
    ...settings
  }: Pick<Exchange, "principal"> & Services["settings"]["files"] & { readonly collection: Collection },
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
    new DiskSource({ path: upload.path, from: 0, to: upload.size }),
    Buffer.concat([writer.partEnd(), writer.end()]),
  ] as const;
  const { inspect } = settings;
  const check: UploadOptions["check"] =
    inspect === undefined
      ? undefined
      : (file, onRoom) => startFileCheck(inspect, { ...file, ...meta }, onRoom);
  return [
    framed(...parts),
    { contentType: writer.contentType, codec: multipartCodec, check, judge: judgeOf(collection, settings) },
  ];
};

// The field's limits are PocketBase's to judge here: the file is whole, and nothing would be saved.
const judgeOf = (
  collection: Collection,
  { checks, pixelsMax }: Services["settings"]["files"],
): UploadJudge => {
  const options = { judgesLimits: false, isStrict: checks === "strict", pixelsMax, isSuperuser: true };
  return new FormJudge(collection, options);
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
  readonly contentType: string;
  readonly source: BodySource;
  readonly bodyBytesMax: number;
}

const send = (
  pool: Services["pool"],
  { client, credential = "" }: Exchange,
  { path, contentType, source, bodyBytesMax }: Sending,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const lines = [
      `PATCH ${path} HTTP/1.1`,
      `Host: ${pool.authority}`,
      `Content-Type: ${contentType}`,
      `Authorization: ${credential}`,
      `X-Forwarded-For: ${client.address}`,
    ];
    const request = {
      method: "PATCH",
      head: `${lines.join("\r\n")}\r\n`,
      body: { kind: "stream", source, length: undefined },
      bodyBytesMax,
      isStream: false,
      fairnessKey: client.block,
    } as const;
    pool.request(request, {
      // The upload is whole: it goes on when its client leaves.
      onPending: () => undefined,
      onAnswer: resolve,
      onFailure: (error) => reject(new Refusal("upstream_unreachable", { cause: error })),
    });
  });
