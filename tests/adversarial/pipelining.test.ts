// HT2: many requests on one connection. Answers keep their order and their owner, and a client that sends
// ahead or does not read costs bounded memory.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { RawClient } from "./rawClient.ts";
import { type RecordingUpstream, startRecordingUpstream } from "./rawUpstream.ts";

const answer = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const get = (path: string, fields = ""): string => `GET ${path} HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`;

describe("HT2", () => {
  let upstream: RecordingUpstream;
  let gateway: TestGateway;
  beforeAll(async () => {
    upstream = await startRecordingUpstream(({ requestLine, headers }) => {
      const who = headers.find(([name]) => name === "Authorization")?.[1] ?? "guest";
      if (requestLine.includes("/big")) return answer("b".repeat(60_000));
      return answer(`[${who} ${requestLine.split(" ")[1]}]`);
    });
    gateway = startGateway(upstream.url, { timeouts: { lingerMs: 200, stallMs: 60_000 } });
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  test("two users behind one front connection get their own answers, in order", async () => {
    using client = await RawClient.open(gateway.port);
    const wanted: string[] = [];
    let bytes = "";
    for (let i = 0; i < 500; i++) {
      const who = i % 2 === 0 ? "ada" : "ben";
      wanted.push(`[${who} /api/${i}]`);
      const body = i % 5 === 0 ? "0\r\n\r\n" : "";
      bytes +=
        body === ""
          ? get(`/api/${i}`, `Authorization: ${who}\r\n`)
          : `POST /api/${i} HTTP/1.1\r\nHost: app.test\r\nAuthorization: ${who}\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
    }
    // Cut at odd places, so that heads and bodies arrive in pieces.
    for (let at = 0; at < bytes.length; at += 997) client.write(bytes.slice(at, at + 997));
    await eventually(() => client.statuses.length === 500, 10_000);
    expect([...client.text.matchAll(/\[[^\]]*\]/g)].map(([match]) => match)).toEqual(wanted);
  });

  test("answers of Hapta's own and of the upstream keep their order", async () => {
    using client = await RawClient.open(gateway.port);
    client.write(get("/api/1") + get("/hapta/live") + get("/api//2") + get("/api/3"));
    await eventually(() => client.statuses.length === 4, 3_000);
    expect(client.statuses).toEqual([200, 200, 404, 200]);
    expect(client.text).toMatch(/\[guest \/api\/1\].*Alive.*wasn't found.*\[guest \/api\/3\]/s);
  });

  test("20,000 pipelined requests that need no upstream do not overflow the stack", async () => {
    using client = await RawClient.open(gateway.port);
    const errors = gateway.lines.length;
    client.write(get("/hapta/live").repeat(20_000));
    await eventually(() => client.receivedBytes > 0 && client.statuses.length === 20_000, 20_000);
    expect(gateway.lines.length).toBe(errors);
  }, 120_000);

  test("a client that sends requests but reads no answers is not served on and on", async () => {
    using client = await RawClient.open(gateway.port);
    client.socket.pause();
    const before = upstream.requests.length;
    let isBlocked = false;
    for (let i = 0; i < 2_000 && !isBlocked; i++) {
      client.write(get("/api/big"));
      await new Promise((resolve) => setImmediate(resolve));
      isBlocked = client.socket.writableLength > 0;
    }
    // 2,000 answers are 120 MB; what two socket buffers and one outbox hold is far less.
    const served = await settled(() => upstream.requests.length - before);
    expect(served).toBeLessThan(300);
    client.socket.resume();
    await eventually(() => client.statuses.length > served, 10_000);
  }, 120_000);

  test("after an answer that announces the end, nothing more is served", async () => {
    // What the test before left behind has to be over, or it would be counted here.
    await eventually(() => gateway.listener.size === 0 && gateway.services.pool.load.inFlight === 0, 5_000);
    using client = await RawClient.open(gateway.port);
    client.socket.pause();
    const before = upstream.requests.length;
    client.write(get("/api/big", "Connection: close\r\n"));
    await eventually(() => upstream.requests.length > before, 2_000);
    client.write(get("/api/canary"));
    client.socket.resume();
    await client.closed();
    expect(client.statuses).toEqual([200]);
    expect(upstream.requests.slice(before).map(({ requestLine }) => requestLine)).toEqual([
      "GET /api/big HTTP/1.1",
    ]);
  });
});

/** A number once it has stopped changing. */
const settled = async (read: () => number): Promise<number> => {
  let last = -1;
  let since = performance.now();
  await eventually(() => {
    const now = read();
    if (now !== last) {
      last = now;
      since = performance.now();
    }
    return performance.now() - since > 300;
  }, 10_000);
  return last;
};
