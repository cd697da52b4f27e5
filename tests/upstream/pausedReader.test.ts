// An answer whose reader takes nothing for a while: that is no silence of PocketBase's.
import { expect, test } from "bun:test";
import type { Answer } from "../../src/http/answer.ts";
import { UpstreamPool } from "../../src/pocketbase/wire/pool.ts";
import { startHostileUpstream } from "../adversarial/rawUpstream.ts";
import { eventually } from "../support/eventually.ts";

const IDLE_MS = 100;
const MINUTE_MS = 60_000;

test("a reader that pauses is waited for, a PocketBase that falls silent is not", async () => {
  await using upstream = await startHostileUpstream((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n${"x".repeat(1_000_000)}`);
  });
  const pool = new UpstreamPool({
    url: upstream.url,
    ...{ inFlightMax: 1, queuedMax: 0, streamsMax: 0, uploadBytesPerSecondMin: 0 },
    ...{ queueTimeoutMs: MINUTE_MS, connectTimeoutMs: MINUTE_MS, firstByteTimeoutMs: MINUTE_MS },
    ...{ idleTimeoutMs: IDLE_MS, totalTimeoutMs: MINUTE_MS },
  });
  const { body } = await new Promise<Answer>((resolve, reject) => {
    const head = "GET /a HTTP/1.1\r\nHost: a\r\n";
    const request = { method: "GET", head, body: { kind: "none" }, bodyBytesMax: 0 } as const;
    const asker = { onPending: () => undefined, onAnswer: resolve, onFailure: reject };
    pool.request({ ...request, isStream: false, fairnessKey: "a" }, asker);
  });
  if (body === null || !("start" in body)) throw new Error("the answer came whole");
  const seen = { bytes: 0, isReady: false, failure: undefined as unknown };
  body.start({
    data: (chunk) => {
      seen.bytes += chunk.length;
      return seen.isReady;
    },
    end: () => undefined,
    fail: (error) => {
      seen.failure = error;
    },
  });
  await eventually(() => seen.bytes > 0, 10_000);
  await Bun.sleep(5 * IDLE_MS);
  expect(seen.failure).toBeUndefined();
  seen.isReady = true;
  body.resume();
  await eventually(() => seen.failure !== undefined, 10_000);
  expect(seen.failure).toMatchObject({ failure: "timeout" });
  pool.close();
}, 120_000);
