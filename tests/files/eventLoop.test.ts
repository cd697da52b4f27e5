// How long a flood of parts keeps everybody else waiting: a body is read in pieces, and each is one turn of the event loop.
import { expect, test } from "bun:test";
import { UploadRewriter } from "../../src/files/uploadRewriter.ts";
import type { BodySink } from "../../src/http/answer.ts";
import { multipartCodec } from "../../src/multipart/codec.ts";
import { FLOODS, part } from "./floods.ts";

/** As much as a socket gives at once. */
const PIECE_BYTES = 524_288;
const LAG_MS_MAX = 100;
const ATTEMPTS = 3;

/** CPU time of the longest turn that a body takes, in ms; time that others have the CPU is none of it. */
const longestTurnMs = (body: Buffer): number => {
  let sink: BodySink | undefined;
  const source = {
    start: (given: BodySink) => {
      sink = given;
    },
    resume: () => undefined,
    cancel: () => undefined,
  };
  const rewriter = new UploadRewriter(source, {
    contentType: "multipart/form-data; boundary=BB",
    codec: multipartCodec,
  });
  rewriter.start({ data: () => true, end: () => undefined, fail: () => undefined });
  let longestUs = 0;
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    const before = process.cpuUsage();
    sink?.data(body.subarray(at, at + PIECE_BYTES));
    const { user, system } = process.cpuUsage(before);
    longestUs = Math.max(longestUs, user + system);
  }
  return longestUs / 1000;
};

const BODIES = {
  ...FLOODS,
  "nothing but starts of the boundary": part("title", "\r\n--".repeat(1_000_000)),
  "a file of line ends": part("blob", "\r\n".repeat(1_000_000), "a.txt"),
};
for (const [name, text] of Object.entries(BODIES))
  test(`UP8 no turn of ${name} holds the event loop for ${LAG_MS_MAX} ms`, () => {
    const body = Buffer.from(text);
    const turns = Array.from({ length: ATTEMPTS }, () => longestTurnMs(body));
    expect(Math.min(...turns)).toBeLessThan(LAG_MS_MAX);
  });
