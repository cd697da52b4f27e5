// A realtime stream that brings more messages than are worth a read each: all of them are told, in order, and so is the end.
import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { createOpenRealtime } from "../../src/pocketbase/realtimeStream.ts";
import { UpstreamPool } from "../../src/pocketbase/wire/pool.ts";
import { startHostileUpstream } from "../adversarial/rawUpstream.ts";
import { eventually } from "../support/eventually.ts";

const MINUTE_MS = 60_000;
const MESSAGES = 1_000;
/** Now and then one that comes in many packets. */
const dataOf = (n: number): string => `${n}${n % 250 === 0 ? "x".repeat(300_000) : ""}`;

const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

/** Each in a write of its own, as PocketBase does it. */
const tellAll = async (socket: Socket): Promise<void> => {
  const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  socket.write(head + chunk('id:abc\nevent:PB_CONNECT\ndata:{"clientId":"abc"}\n\n'));
  for (let n = 0; n < MESSAGES; n++) {
    socket.write(chunk(`id:abc\nevent:a/*\ndata:${dataOf(n)}\n\n`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end("0\r\n\r\n");
};

test("a dense stream loses nothing, keeps its order, and ends", async () => {
  await using upstream = await startHostileUpstream((socket) => void tellAll(socket));
  const pool = new UpstreamPool({
    url: upstream.url,
    ...{ inFlightMax: 1, queuedMax: 0, streamsMax: 1, uploadBytesPerSecondMin: 0 },
    ...{ queueTimeoutMs: MINUTE_MS, connectTimeoutMs: MINUTE_MS, firstByteTimeoutMs: MINUTE_MS },
    ...{ idleTimeoutMs: MINUTE_MS, totalTimeoutMs: MINUTE_MS },
  });
  const heard: string[] = [];
  let hasEnded = false;
  await createOpenRealtime(pool)("192.0.2.1", {
    onMessage: (_, data) => heard.push(data),
    onTooLong: () => undefined,
    onEnd: () => {
      hasEnded = true;
    },
  });
  await eventually(() => hasEnded, 30_000);
  expect(heard.length).toBe(MESSAGES);
  expect(heard.every((data, n) => data === dataOf(n))).toBe(true);
  pool.close();
}, 120_000);
