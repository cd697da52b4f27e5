// As whom a stream is opened, and how it is read. The pool is played.
import { expect, test } from "bun:test";
import type { BodySink } from "../http/answer.ts";
import { createOpenRealtime } from "./realtimeStream.ts";
import type { UpstreamRequest } from "./wire/requestWriter.ts";

/** An open stream that says what it was asked with, and takes what PocketBase would send. */
const open = async (address: string | undefined, isPaced: boolean) => {
  const [requests, sinks, heard]: [UpstreamRequest[], BodySink[], string[]] = [[], [], []];
  const body = {
    start: (sink: BodySink) => {
      sinks.push(sink);
      sink.data(Buffer.from('id:abc\nevent:PB_CONNECT\ndata:{"clientId":"abc"}\n\n'));
    },
    resume: () => undefined,
    cancel: () => undefined,
  };
  const pool: Parameters<typeof createOpenRealtime>[0] = {
    authority: "pb.example",
    request: (request, asker) => {
      requests.push(request);
      asker.onAnswer({ status: 200, headers: [], body });
    },
  };
  const stream = await createOpenRealtime(pool, { messageCharsMax: 1_000, isPaced })(address, {
    onMessage: (_, data) => heard.push(data),
    onTooLong: (topic) => heard.push(`too long: ${topic}`),
    onEnd: () => undefined,
  });
  const send = (data: string): boolean => sinks[0]?.data(Buffer.from(`event:a/*\ndata:${data}\n\n`)) === true;
  return { stream, head: requests[0]?.head ?? "", heard, send };
};

test("a stream of Hapta's own names no client address, others do", async () => {
  const [own, visitors] = [await open(undefined, false), await open("192.0.2.1", true)];
  expect([own.stream.clientId, visitors.stream.clientId]).toEqual(["abc", "abc"]);
  expect(own.head.toLowerCase()).not.toContain("x-forwarded-for");
  expect(visitors.head).toContain("X-Forwarded-For: 192.0.2.1\r\n");
});

test("a stream that is not paced is read as it comes, however much it tells", async () => {
  const [unpaced, paced] = [await open(undefined, false), await open("192.0.2.1", true)];
  const all = Array.from({ length: 100 }, (_, n) => String(n));
  expect(all.filter((data) => !unpaced.send(data))).toEqual([]);
  expect(all.filter((data) => !paced.send(data)).length).toBeGreaterThan(0);
  expect([unpaced.heard, paced.heard]).toEqual([all, all]);
});

test("what is longer than the stream's own bound is told by its topic", async () => {
  const { heard, send } = await open(undefined, false);
  send("x".repeat(1_000));
  send("next");
  expect(heard).toEqual(["too long: a/*", "next"]);
});
