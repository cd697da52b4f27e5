// The queue in front of a busy upstream: fair between clients, bounded, and never a place to wait for long.
import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { createOpenRealtime } from "../../src/pocketbase/realtimeStream.ts";
import { startGateway } from "../adversarial/gateway.ts";
import { RawClient } from "../adversarial/rawClient.ts";
import { startRawUpstream } from "../adversarial/rawUpstream.ts";
import { eventually } from "../support/eventually.ts";
import { startOwnClock } from "../support/ownTime.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/** An upstream that answers one request at a time, when told to. */
const startTurnstile = async () => {
  const order: string[] = [];
  const waiting: Socket[] = [];
  const upstream = await startRawUpstream((socket) =>
    socket.on("data", (part: Buffer) => {
      order.push(/X-Forwarded-For: (\S+)/.exec(part.toString())?.[1] ?? "");
      waiting.push(socket);
    }),
  );
  return { upstream, order, next: () => waiting.shift()?.write(OK) };
};

const request = (client: string): string =>
  `GET /api/x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${client}\r\n\r\n`;
const CONFIG = { Network: { TrustedProxies: ["127.0.0.1"] } };
const GREEDY = "203.0.113.1";
const ADA = "203.0.113.2";

test("one greedy client does not starve another", async () => {
  const { upstream, order, next } = await startTurnstile();
  await using _upstream = upstream;
  await using gateway = startGateway(upstream.url, {
    config: { ...CONFIG, Upstream: { MaxInFlight: 1, QueueTimeout: 60 } },
  });
  const crowd: RawClient[] = [];
  for (let i = 0; i < 60; i++) crowd.push(await RawClient.open(gateway.port));
  for (const client of crowd) client.write(request(GREEDY));
  await eventually(() => gateway.services.pool.load.queued === 59, 3_000);
  using ada = await RawClient.open(gateway.port);
  ada.write(request(ADA));
  await eventually(() => gateway.services.pool.load.queued === 60, 3_000);
  for (let served = 1; served <= 3; served++) {
    await eventually(() => order.length === served, 2_000);
    next();
  }
  await ada.contains("hi");
  expect(order.slice(0, 3)).toContain(ADA);
  for (const client of crowd) client[Symbol.dispose]();
});

test("a greedy client cannot fill the queue for others either", async () => {
  const { upstream, order, next } = await startTurnstile();
  await using _upstream = upstream;
  await using gateway = startGateway(upstream.url, {
    config: { ...CONFIG, Upstream: { MaxInFlight: 1, MaxQueued: 20, QueueTimeout: 60 } },
  });
  const crowd: RawClient[] = [];
  for (let i = 0; i < 40; i++) crowd.push(await RawClient.open(gateway.port));
  for (const client of crowd) client.write(request(GREEDY));
  await eventually(() => crowd.filter(({ statuses }) => statuses[0] === 503).length === 19, 3_000);
  using ada = await RawClient.open(gateway.port);
  ada.write(request(ADA));
  await eventually(() => crowd.filter(({ statuses }) => statuses[0] === 503).length === 20, 3_000);
  expect(ada.statuses).toEqual([]);
  for (let served = 1; served <= 3; served++) {
    await eventually(() => order.length === served, 2_000);
    next();
  }
  await ada.contains("hi");
  for (const client of crowd) client[Symbol.dispose]();
});

test("whoever waits too long is told 503 and when to come back, and nobody waits longer", async () => {
  const { upstream } = await startTurnstile();
  await using _upstream = upstream;
  await using gateway = startGateway(upstream.url, {
    config: { Upstream: { MaxInFlight: 1, QueueTimeout: 0.4 } },
  });
  using first = await RawClient.open(gateway.port);
  first.write(request(GREEDY));
  await eventually(() => gateway.services.pool.load.inFlight === 1, 2_000);
  using second = await RawClient.open(gateway.port);
  using clock = startOwnClock();
  const startedMs = performance.now();
  second.write(request(ADA));
  await second.contains("503 Service Unavailable", 1_500);
  expect(performance.now() - startedMs).toBeGreaterThan(350);
  expect(clock.ms()).toBeLessThan(1_200);
  expect(second.text).toContain("X-Hapta-Error: overloaded");
  expect(second.text).toMatch(/\r\nRetry-After: [1-9]\r\n/);
  expect(second.text).toContain(
    '{"data":{},"message":"The server is busy. Please try again shortly.","status":503}',
  );
});

test("streams have a bound of their own and take no place from requests", async () => {
  await using upstream = await startRawUpstream((socket) =>
    socket.on("data", (part: Buffer) =>
      socket.write(
        part.toString().includes("/api/realtime")
          ? "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid:1\nevent:PB_CONNECT\ndata:{}\n\n"
          : OK,
      ),
    ),
  );
  await using gateway = startGateway(upstream.url, {
    config: { Upstream: { MaxInFlight: 1, MaxStreams: 5 } },
  });
  const open = createOpenRealtime(gateway.services.pool);
  const listener = { onMessage: () => undefined, onTooLong: () => undefined, onEnd: () => undefined };
  // The hub keeps to MaxStreams; below it there is room for the renewal of each.
  const streams = await Promise.all(Array.from({ length: 10 }, () => open("127.0.0.1", listener)));
  const refused = await open("127.0.0.1", listener).catch((error: unknown) => error);
  expect(refused).toMatchObject({ failure: "overloaded" });
  using other = await RawClient.open(gateway.port);
  other.write(request(ADA));
  await other.contains("hi");
  streams[0]?.close();
  await eventually(() => gateway.services.pool.load.streams === 9, 2_000);
  for (const stream of streams) stream.close();
});
