// The rewriting of uploads: the same parts come out however the body is cut, and what is wrong never ends well.
import { describe, expect, test } from "bun:test";
import type { BodySink, BodySource } from "../http/answer.ts";
import { multipartCodec } from "../multipart/codec.ts";
import { type Inspect, startFileCheck } from "./fileCheck.ts";
import { type UploadJudge, UploadRewriter } from "./uploadRewriter.ts";

const FORM =
  '--BB\r\nContent-Disposition: form-data; name="title"\r\n\r\nhello\r\n' +
  '--BB\r\nContent-Disposition: form-data; name="blob"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nfile bytes\r\n' +
  "--BB--\r\n";

interface Outcome {
  readonly text: string;
  readonly end: "end" | "fail";
  readonly code: string | undefined;
}

/** Pushes `chunks` through a rewriter, pausing as it asks, and collects what comes out. */
const run = (chunks: readonly Uint8Array[], inspect?: Inspect, judge?: UploadJudge): Promise<Outcome> =>
  new Promise((resolve) => {
    let sink: BodySink | undefined;
    let next = 0;
    const flow = (): void => {
      while (next < chunks.length) if (!(sink?.data(chunks[next++] ?? new Uint8Array(0)) ?? true)) return;
      if (next++ === chunks.length) sink?.end();
    };
    const source: BodySource = {
      start: (given) => {
        sink = given;
        flow();
      },
      resume: flow,
      cancel: () => undefined,
    };
    const rewriter = new UploadRewriter(source, {
      contentType: "multipart/form-data; boundary=BB",
      codec: multipartCodec,
      judge,
      check:
        inspect === undefined
          ? undefined
          : (file, onRoom) =>
              startFileCheck(
                inspect,
                { ...file, collection: "c", record: undefined, user: undefined },
                onRoom,
              ),
    });
    const boundary = rewriter.contentType.split("boundary=")[1] ?? "";
    const out: Uint8Array[] = [];
    const settle = (end: Outcome["end"]): void =>
      resolve({
        text: Buffer.concat(out).toString().replaceAll(boundary, "BB"),
        end,
        code: rewriter.refusal?.code,
      });
    rewriter.start({
      data: (chunk) => out.push(Buffer.from(chunk)) > 0,
      end: () => settle("end"),
      fail: () => settle("fail"),
    });
  });

const cut = (text: string, bytes: number): Uint8Array[] => {
  const whole = Buffer.from(text);
  return Array.from({ length: Math.ceil(whole.length / bytes) }, (_, i) =>
    whole.subarray(i * bytes, (i + 1) * bytes),
  );
};

describe("UploadRewriter", () => {
  for (const bytes of [1, 7, 64, 10_000])
    test(`UploadRewriter gives the same parts in pieces of ${bytes} bytes`, async () => {
      expect(await run(cut(FORM, bytes))).toEqual({ text: FORM, end: "end", code: undefined });
    });

  const wrong: Readonly<Record<string, string>> = {
    "UP7 a field behind the end": `${FORM}--BB\r\nContent-Disposition: form-data; name="role"\r\n\r\nadmin\r\n--BB--\r\n`,
    "UP7 a preamble": `hello\r\n${FORM}`,
    "UP7 LF only": FORM.replaceAll("\r\n", "\n"),
    "UP6 filename*": FORM.replace('filename="a.txt"', "filename=\"a.png\"; filename*=UTF-8''b.html"),
    "UP6 two names": FORM.replace('filename="a.txt"', 'filename="a.png"; filename="b.html"'),
    "UP5 a line end in a name": FORM.replace("a.txt", "a.png\rX: y"),
    "UP8 no end": FORM.slice(0, -6),
    "UP8 too many parts": `${FORM.slice(0, FORM.indexOf("--BB", 5)).repeat(1001)}--BB--\r\n`,
  };
  for (const [name, body] of Object.entries(wrong))
    test(`UploadRewriter never ends ${name}`, async () => {
      const outcome = await run(cut(body, 999));
      expect([outcome.end, outcome.code]).toEqual(["fail", "body_invalid"]);
      expect(outcome.text).not.toContain("--BB--");
    });
});

describe("UploadJudge", () => {
  const error = { code: "validation_odd", message: "Odd." };
  let asked = 0;
  const judge: UploadJudge = {
    part: ({ filename }) => ({ kind: filename === undefined ? "limit" : "policy", field: "blob", error }),
    data: () => ({ kind: "limit", field: "blob", error }),
    settle: async () => {
      asked += 1;
      return undefined;
    },
  };
  for (const bytes of [1, 10_000])
    test(`a policy counts behind a limit that was left to PocketBase, in pieces of ${bytes} bytes`, async () => {
      asked = 0;
      const outcome = await run(cut(FORM, bytes), undefined, judge);
      expect([outcome.end, outcome.code, asked]).toEqual(["fail", "file_refused", 1]);
      expect(outcome.text).not.toContain("--BB--");
    });
});

describe("startFileCheck", () => {
  const read: Inspect = async (stream, { field, name }) => {
    const text = await new Response(stream).text();
    return `${field} ${name} ${text}` === "blob a.txt file bytes" || "wrong";
  };
  test("a check reads the whole file and lets it pass", async () => {
    expect(await run(cut(FORM, 5), read)).toMatchObject({ text: FORM, end: "end" });
  });
  test("a check that reads nothing lets pass", async () => {
    expect(await run(cut(FORM, 5), () => undefined)).toMatchObject({ end: "end" });
  });
  const refusing: Readonly<Record<string, Inspect>> = {
    "says no": () => false,
    "says why": () => "A virus.",
    throws: () => {
      throw new Error("down");
    },
    "says no after the end": async (stream) => (await new Response(stream).text()) === "",
  };
  for (const [name, inspect] of Object.entries(refusing))
    test(`a check that ${name} keeps the end from PocketBase`, async () => {
      const outcome = await run(cut(FORM, 5), inspect);
      expect([outcome.end, outcome.code]).toEqual(["fail", "file_refused"]);
      expect(outcome.text).not.toContain("--BB--");
    });
  test("a slow check holds the upload back, within a bound", async () => {
    const large = FORM.replace("file bytes", "x".repeat(4_000_000));
    let seen = 0;
    const outcome = await run(cut(large, 65_536), async (stream) => {
      for await (const chunk of stream) {
        seen += chunk.length;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return true;
    });
    expect([outcome.end, seen, outcome.text.length]).toEqual(["end", 4_000_000, large.length]);
  });
});
