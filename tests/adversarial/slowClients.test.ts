// Clients that take their time: heads, bodies and answers that drip or stop. Every wait ends.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { startOwnClock } from "../support/ownTime.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { RawClient } from "./rawClient.ts";
import { type RawUpstream, startHostileUpstream } from "./rawUpstream.ts";

const HOST = "Host: app.test\r\n";
const TIMEOUTS = { headMs: 600, idleMs: 1_000, stallMs: 700, lingerMs: 400 };
/** The listener looks at its deadlines every half second. */
const SWEEP_MS = 700;

describe("slow clients", () => {
  let upstream: RawUpstream;
  let gateway: TestGateway;
  beforeAll(async () => {
    upstream = await startHostileUpstream((socket, head) => {
      if (!head.startsWith("GET /api/big")) return;
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n");
      const part = Buffer.alloc(1_000_000);
      const fill = (left: number): void => {
        if (left > 0 && !socket.destroyed) socket.write(part, () => fill(left - 1));
      };
      fill(50);
    });
    gateway = startGateway(upstream.url, {
      timeouts: TIMEOUTS,
      config: {
        Upstream: { IdleTimeout: 0.6, FirstByteTimeout: 0.6, TotalTimeout: 2.5, MinUploadRate: 10 },
        Log: { Requests: "all" },
      },
    });
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  test("a head that drips is answered 408 at the deadline, however steadily it drips", async () => {
    using client = await RawClient.open(gateway.port);
    const startedMs = performance.now();
    client.write("GET /api/x HTTP/1.1\r\n");
    const drip = setInterval(() => client.write("X"), 20);
    try {
      await client.closed(TIMEOUTS.headMs + SWEEP_MS + TIMEOUTS.lingerMs + SWEEP_MS);
    } finally {
      clearInterval(drip);
    }
    expect(client.statuses).toEqual([408]);
    expect(client.text).toContain("X-Hapta-Error: head_too_slow");
    expect(performance.now() - startedMs).toBeGreaterThan(TIMEOUTS.headMs - 50);
  });

  test("a connection without a request is closed", async () => {
    using client = await RawClient.open(gateway.port);
    await client.closed(TIMEOUTS.idleMs + SWEEP_MS + 500);
    expect(client.receivedBytes).toBe(0);
  });

  test("a kept-alive connection without a further request is closed", async () => {
    using client = await RawClient.open(gateway.port);
    client.write(`GET /hapta/live HTTP/1.1\r\n${HOST}\r\n`);
    await client.contains("Alive");
    await client.closed(TIMEOUTS.idleMs + SWEEP_MS + 500);
    expect(client.statuses).toEqual([200]);
  });

  test("a client that never closes after its last answer is cut", async () => {
    using client = await RawClient.open(gateway.port);
    const before = gateway.listener.size;
    client.write("nonsense\r\n\r\n");
    await client.contains("400 Bad Request");
    // Our half of the connection stays open and keeps sending.
    const drip = setInterval(() => client.write("x"), 50);
    try {
      await eventually(() => gateway.listener.size < before, TIMEOUTS.lingerMs + 2 * SWEEP_MS);
    } finally {
      clearInterval(drip);
    }
  });

  test("a streamed body that stops is answered 408", async () => {
    using client = await RawClient.open(gateway.port);
    client.write(`POST /api/x HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nabc`);
    await client.contains("408 Request Timeout", 2_000);
    expect(client.text).toContain("X-Hapta-Error: body_too_slow");
    await eventually(() => upstream.open.size === 0, 2_000);
  });

  test("a streamed body that drips forever ends at the total deadline", async () => {
    using client = await RawClient.open(gateway.port);
    client.write(`POST /api/x HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\nabc`);
    const drip = setInterval(() => client.write("x"), 50);
    try {
      await client.contains("408 Request Timeout", 4_000);
    } finally {
      clearInterval(drip);
    }
    await eventually(() => gateway.services.pool.load.inFlight === 0, 1_000);
  });

  test("RL8: a streamed body that drips is given up when it is too slow, and holds no place for long", async () => {
    await using strict = startGateway(upstream.url, {
      timeouts: TIMEOUTS,
      config: { Upstream: { IdleTimeout: 0.6, FirstByteTimeout: 0.6 } },
    });
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(strict.port)));
    for (const client of clients)
      client.write(`POST /api/x HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\nabc`);
    await eventually(() => strict.services.pool.load.inFlight === 20, 2_000);
    const drip = setInterval(() => {
      for (const client of clients) client.write("x");
    }, 50);
    try {
      // Without a bound they would stay for TotalTimeout, ten minutes.
      await eventually(() => strict.services.pool.load.inFlight === 0, 5_000);
    } finally {
      clearInterval(drip);
    }
    for (const client of clients) {
      // The answer is on its way when the place is free again.
      await client.contains("408 Request Timeout", 4_000);
      expect(client.statuses).toEqual([408]);
      client[Symbol.dispose]();
    }
  }, 120_000);

  test("an upstream that takes the request and says nothing is answered 504", async () => {
    using client = await RawClient.open(gateway.port);
    client.write(`GET /api/x HTTP/1.1\r\n${HOST}\r\n`);
    await client.contains("504 Gateway Timeout", 2_000);
    expect(client.text).toContain("X-Hapta-Error: upstream_timeout");
    expect(client.text).toContain(
      '{"data":{},"message":"The upstream server didn\'t answer in time.","status":504}',
    );
  });

  test("an answer the client does not take is cut, and the upstream is let go", async () => {
    using client = await RawClient.open(gateway.port);
    client.socket.pause();
    client.write(`GET /api/big HTTP/1.1\r\n${HOST}\r\n`);
    await eventually(() => gateway.services.pool.load.inFlight === 1, 2_000);
    const before = gateway.listener.size;
    await eventually(() => gateway.services.pool.load.inFlight === 0, 4_000);
    await eventually(() => gateway.listener.size < before, 4_000);
    client.socket.resume();
    await client.closed(4_000);
    expect(client.receivedBytes).toBeLessThan(50_000_000);
  }, 120_000);

  test("half-open connections do not disturb anybody else", async () => {
    const crowd = await Promise.all(Array.from({ length: 300 }, () => RawClient.open(gateway.port)));
    for (const client of crowd) client.write("GET /api/x HT");
    const worst = await measure(() => getLive(gateway.port), 50);
    expect(worst).toBeLessThan(250);
    await eventually(
      () => crowd.every(({ ending }) => ending !== "open"),
      TIMEOUTS.headMs + TIMEOUTS.lingerMs + 4_000,
    );
    for (const client of crowd) client[Symbol.dispose]();
  }, 120_000);
});

const getLive = async (port: number): Promise<void> => {
  using client = await RawClient.open(port);
  client.write(`GET /hapta/live HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
  await client.contains("Alive");
};

/** Longest time of `count` calls in ms, of the time that this process, and so the gateway in it, had. */
const measure = async (call: () => Promise<void>, count: number): Promise<number> => {
  using clock = startOwnClock();
  let worst = 0;
  for (let i = 0; i < count; i++) {
    const startedMs = clock.ms();
    await call();
    worst = Math.max(worst, clock.ms() - startedMs);
  }
  return worst;
};
