// Places: requests under way and open streams of one address, user or session.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { threadsCpuUs } from "../../benchmarks/support/processTree.ts";
import { openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { headOf } from "../support/wireReader.ts";
import { countOf, repeat, startLimited } from "./support.ts";

setDefaultTimeout(60_000);

const GENEROUS = { Max: 100_000, Duration: 60_000, IP: true, isEnabled: true, Message: "Too much." };
const SLOW = { path: "/slow" };
const QUICK = { path: "/quick" };

describe("places", () => {
  test("requests under way of one address have a bound, and each place is free again", async () => {
    const held: (() => void)[] = [];
    await using hapta = await startLimited(
      { ratelimit: { ...GENEROUS, MaxInFlightPerAddress: 3 } },
      (request) =>
        request.url.endsWith("/slow")
          ? new Promise((resolve) => held.push(() => resolve(new Response("ok"))))
          : new Response("ok"),
    );
    const slow = [hapta.send(SLOW), hapta.send(SLOW), hapta.send(SLOW)];
    await eventually(() => held.length === 3, 5_000);
    const refused = await hapta.send(QUICK);
    expect([refused.status, headOf(refused, "x-hapta-error")]).toEqual([429, "too_many_at_once"]);
    expect(headOf(refused, "retry-after")).toMatch(/^[1-3]$/);
    expect((await hapta.send(QUICK, "127.0.0.2")).status).toBe(200);
    expect((await hapta.send({ path: "/hapta/live" })).status).toBe(200);
    for (const release of held) release();
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200, 200]);
    await eventually(async () => (await hapta.send(QUICK)).status === 200, 5_000);
  });

  test("the addresses of one IPv6 network are one client: they share its places", async () => {
    const held: (() => void)[] = [];
    await using hapta = await startLimited(
      {
        ratelimit: { ...GENEROUS, MaxInFlightPerAddress: 3 },
        Realtime: { MaxClientsPerAddress: 2 },
        Network: { TrustedProxies: ["loopback"] },
      },
      () => new Promise((resolve) => held.push(() => resolve(new Response("ok")))),
    );
    const at = (path: string, address: string) => ({
      path,
      headers: [["X-Forwarded-For", address]] as const,
    });
    const slow = [1, 2, 3].map((host) => hapta.send(at("/slow", `2001:db8:5:5::${host}`)));
    await eventually(() => held.length === 3, 5_000);
    const refused = await hapta.send(at("/slow", "2001:db8:5:5:ffff::4"));
    expect([refused.status, headOf(refused, "x-hapta-error")]).toEqual([429, "too_many_at_once"]);
    const other = hapta.send(at("/slow", "2001:db8:5:6::4"));
    await eventually(() => held.length === 4, 5_000);
    for (const release of held) release();
    expect((await Promise.all([...slow, other])).map(({ status }) => status)).toEqual(repeat(4, 200));
    using _first = await openEventStream(hapta.url, at("/api/realtime", "2001:db8:5:5::1"));
    using _second = await openEventStream(hapta.url, at("/api/realtime", "2001:db8:5:5::2"));
    const third = await hapta.send(at("/api/realtime", "2001:db8:5:5::3"));
    expect([third.status, headOf(third, "x-hapta-error")]).toEqual([429, "too_many_streams"]);
  });

  test("slow uploads of one client leave places for others, and a client that leaves gives its places back", async () => {
    await using hapta = await startLimited({
      ratelimit: { ...GENEROUS, MaxInFlightPerAddress: 4 },
      Upstream: { MaxInFlight: 6, MaxQueued: 4 },
    });
    const { hostname, port } = new URL(hapta.url);
    const head = "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nab";
    const uploads = Array.from({ length: 10 }, () => {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on("error", () => undefined);
      socket.write(head);
      return socket;
    });
    const isFull = async () => (await hapta.send(QUICK)).status === 429;
    await eventually(isFull, 5_000);
    for (let i = 0; i < 5; i++) expect((await hapta.send(QUICK, "127.0.0.2")).status).toBe(200);
    for (const socket of uploads) socket.destroy();
    await eventually(async () => !(await isFull()), 5_000);
  });

  test("RL13: streams of one address have a bound; a closed one is free again", async () => {
    const events = () =>
      new Response(
        new ReadableStream({
          start: (controller) => {
            controller.enqueue(
              `id:abcdefghijklmnopqrst${Math.random().toString(36).slice(2, 10)}\nevent:PB_CONNECT\ndata:{}\n\n`,
            );
          },
        }),
        { headers: { "Content-Type": "text/event-stream" } },
      );
    await using hapta = await startLimited(
      { ratelimit: GENEROUS, Realtime: { MaxClientsPerAddress: 2 } },
      (request) => (request.url.endsWith("/api/realtime") ? events() : new Response("ok")),
    );
    const first = await openEventStream(hapta.url);
    using second = await openEventStream(hapta.url);
    expect([first.status, second.status]).toEqual([200, 200]);
    const refused = await hapta.send({ path: "/api/realtime" });
    expect([refused.status, headOf(refused, "x-hapta-error")]).toEqual([429, "too_many_streams"]);
    // Streams take no place of other requests.
    expect((await hapta.send(QUICK)).status).toBe(200);
    first[Symbol.dispose]();
    await eventually(async () => {
      using third = await openEventStream(hapta.url);
      return third.status === 200;
    }, 5_000);
  });

  test("RL8: connections of one address have a bound, half a request on each; others are served", async () => {
    await using hapta = await startLimited({
      ratelimit: { ...GENEROUS, MaxConnectionsPerAddress: 20 },
    });
    const { hostname, port } = new URL(hapta.url);
    let closed = 0;
    const sockets = Array.from({ length: 60 }, () => {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on("error", () => undefined);
      socket.on("close", () => closed++);
      socket.write("GET /quick HTTP/1.1\r\nHost: a\r\nX-Half: ");
      return socket;
    });
    await eventually(() => closed === 40, 5_000);
    for (let i = 0; i < 5; i++) expect((await hapta.send(QUICK, "127.0.0.2")).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await eventually(async () => (await hapta.send(QUICK)).status === 200, 5_000);
  });

  test("RL8: 500 connections that drip heads and bodies cost honest clients nothing", async () => {
    const dripping = new Set<string>();
    await using hapta = await startLimited(
      { ratelimit: { ...GENEROUS, MaxConnectionsPerAddress: 20 } },
      async (request) => {
        if (request.method === "POST") {
          dripping.add(crypto.randomUUID());
          await request.arrayBuffer().catch(() => undefined);
        }
        return new Response("ok");
      },
    );
    const { hostname, port } = new URL(hapta.url);
    // CPU of Hapta per honest request in us; what else keeps this machine busy is not in it.
    const honest = async (): Promise<number> => {
      const before = threadsCpuUs(hapta.pid);
      const statuses = await hapta.statuses(repeat(400, QUICK), "127.0.0.2");
      expect(countOf(statuses, 200)).toBe(400);
      return (threadsCpuUs(hapta.pid) - before) / 400;
    };
    const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0;
    const rounds = async (): Promise<number> =>
      median([await honest(), await honest(), await honest(), await honest(), await honest()]);
    await honest();
    const calm = await rounds();
    const sockets = Array.from({ length: 500 }, (_, i) => {
      const socket = connect({ host: hostname, port: Number(port), localAddress: `127.0.1.${1 + (i % 25)}` });
      socket.on("error", () => undefined);
      const head = `${i % 4 === 0 ? "POST" : "GET"} /quick HTTP/1.1\r\nHost: a\r\n`;
      socket.write(i % 4 === 0 ? `${head}Content-Length: 100000\r\n\r\nx` : `${head}X-Half: `);
      return socket;
    });
    await eventually(() => dripping.size === 125, 10_000);
    const drip = setInterval(() => {
      for (const socket of sockets) socket.write("x");
    }, 500);
    try {
      expect(await rounds()).toBeLessThan(2 * calm);
    } finally {
      clearInterval(drip);
      for (const socket of sockets) socket.destroy();
    }
  });

  test("without limits there are no places to count", async () => {
    const held: (() => void)[] = [];
    await using hapta = await startLimited(
      { ratelimit: { ...GENEROUS, isEnabled: false, MaxInFlightPerAddress: 1 } },
      () => new Promise((resolve) => held.push(() => resolve(new Response("ok")))),
    );
    const all = [hapta.send(SLOW), hapta.send(SLOW)];
    await eventually(() => held.length === 2, 5_000);
    for (const release of held) release();
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual([200, 200]);
  });
});
