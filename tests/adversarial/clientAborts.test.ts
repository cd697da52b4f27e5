// HT4: clients that go away in mid-answer and in mid-upload, many of them. The upstream hears of it, and neither
// descriptors nor memory grow.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { startGateway } from "./gateway.ts";
import { RawClient } from "./rawClient.ts";
import { startRawUpstream } from "./rawUpstream.ts";

const HOST = "Host: app.test\r\n";
let pocketbase: PocketBase;
let hapta: Hapta;
beforeAll(async () => {
  // A file: making so many bytes in a hook costs PocketBase far more than sending them.
  pocketbase = await startPocketBase({
    prepare: (dir) => {
      mkdirSync(join(dir, "pb_public"));
      writeFileSync(join(dir, "pb_public", "large.bin"), new Uint8Array(8_000_000));
    },
  });
  hapta = await startHapta(pocketbase);
}, 60_000);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await pocketbase[Symbol.asyncDispose]();
});

const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
const rssMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

/** Sends a request, waits for `until` bytes of the answer (0: none), takes no more, and resets the connection. */
const abort = async (bytes: string, until: number): Promise<void> => {
  using client = await RawClient.open(hapta.port);
  client.socket.on("data", () => {
    if (client.receivedBytes >= until) client.socket.pause();
  });
  client.write(bytes);
  if (until > 0) await eventually(() => client.receivedBytes >= until || client.ending !== "open", 10_000);
  else await new Promise((resolve) => setImmediate(resolve));
  client.socket.resetAndDestroy();
};

const MULTIPART = "Content-Type: multipart/form-data; boundary=b\r\n";
const FORM =
  '--b\r\nContent-Disposition: form-data; name="@jsonPayload"\r\n\r\n{"requests":[{"method":"POST","url":"/api/collections/notices/records","body":{"title":"x"}}]}\r\n--b\r\nContent-Disposition: form-data; name="requests.0.blob"; filename="a"\r\n\r\n';
const post = (path: string, fields: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;

/** Ways to leave; each is taken a few hundred times. */
const WAYS: Readonly<Record<string, { readonly bytes: string; readonly until: number }>> = {
  "mid-download": { bytes: `GET /large.bin HTTP/1.1\r\n${HOST}\r\n`, until: 1 },
  "mid-upload, chunked": {
    bytes: post(
      "/api/collections/notices/records",
      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
      `ffff\r\n${"x".repeat(2_000)}`,
    ),
    until: 0,
  },
  "mid-upload, with a length": {
    bytes: post("/custom/echo", "Content-Length: 1000000\r\n", "x".repeat(20_000)),
    until: 0,
  },
  "mid-login": {
    bytes: post(
      "/api/collections/members/auth-with-password",
      "Content-Type: application/json\r\nContent-Length: 500\r\n",
      '{"identity":',
    ),
    until: 0,
  },
  "mid-batch, before its payload": {
    bytes: post("/api/batch", `${MULTIPART}Content-Length: 100000\r\n`, FORM.slice(0, 60)),
    until: 0,
  },
  "mid-batch, in a file": {
    bytes: post("/api/batch", `${MULTIPART}Content-Length: 100000\r\n`, `${FORM}${"x".repeat(3_000)}`),
    until: 0,
  },
  "while waiting": { bytes: `GET /custom/slow?ms=20 HTTP/1.1\r\n${HOST}\r\n`, until: 0 },
  "in an event stream": { bytes: `GET /api/realtime HTTP/1.1\r\n${HOST}\r\n`, until: 200 },
  "in a head": { bytes: `GET /api/health HTTP/1.1\r\nHos`, until: 0 },
  "with requests ahead": { bytes: `GET /api/health HTTP/1.1\r\n${HOST}\r\n`.repeat(50), until: 300 },
};

const round = async (count: number): Promise<void> => {
  for (const [name, { bytes, until }] of Object.entries(WAYS)) {
    const isMain = name === "mid-download" || name === "mid-upload, with a length";
    for (let left = isMain ? count * 10 : count; left > 0; left -= 10)
      await Promise.all(Array.from({ length: 10 }, () => abort(bytes, until)));
  }
};

/** Open TCP connections of Hapta to PocketBase that are not idle cannot be told from outside, so: all descriptors. */
const settled = async (pid: number, bound: number): Promise<number> => {
  await eventually(() => descriptors(pid) <= bound, 15_000).catch((cause: unknown) => {
    throw new Error(`${descriptors(pid)} descriptors of ${pid} are open, not ${bound}`, { cause });
  });
  return descriptors(pid);
};

test("1,000 aborted downloads, 1,000 uploads and 800 others leave no descriptor and no memory behind, in Hapta and in PocketBase", async () => {
  const { pid } = hapta.child;
  await round(40); // warms pools and heaps
  await eventually(() => fetch(`${hapta.url}/api/health`).then((answer) => answer.ok), 5_000);
  const before = { hapta: descriptors(pid), pocketbase: descriptors(pocketbase.child.pid), rss: rssMb(pid) };
  await round(100);
  await settled(pid, before.hapta + 12);
  await settled(pocketbase.child.pid, before.pocketbase + 12);
  // What was left is given back when the collector comes to it.
  await eventually(() => rssMb(pid) - before.rss < 48, 15_000);
  const answer = await fetch(`${hapta.url}/api/health`);
  expect(answer.status).toBe(200);
  // An abort is nobody's fault: no line of the log calls it one.
  expect(hapta.child.output()).not.toMatch(/failed unexpectedly|unhandled|uncaught/);
}, 300_000);

test.each([
  {
    name: "in mid-answer",
    request: `GET /api/x HTTP/1.1\r\n${HOST}\r\n`,
    answer: "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nabc",
  },
  { name: "before the answer", request: `GET /api/x HTTP/1.1\r\n${HOST}\r\n`, answer: "" },
  {
    name: "in mid-upload",
    request: `POST /api/x HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nabc`,
    answer: "",
  },
  {
    name: "in a stream",
    request: `GET /api/x HTTP/1.1\r\n${HOST}\r\n`,
    answer: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid:1\n\n",
  },
])("the upstream's connection ends with the client's: $name", async ({ request, answer }) => {
  await using upstream = await startRawUpstream((socket) => socket.once("data", () => socket.write(answer)));
  await using gateway = startGateway(upstream.url);
  for (const leave of ["reset", "FIN"]) {
    using client = await RawClient.open(gateway.port);
    client.write(request);
    await eventually(() => upstream.open.size === 1, 2_000);
    if (answer !== "") await client.contains(answer.slice(-3));
    if (leave === "reset") client.socket.resetAndDestroy();
    else client.socket.end();
    await eventually(() => upstream.open.size === 0, 2_000);
    await eventually(
      () => gateway.services.pool.load.inFlight + gateway.services.pool.load.streams === 0,
      2_000,
    );
  }
});

test("a client that leaves while it queues takes no place of the upstream's", async () => {
  await using upstream = await startRawUpstream(() => undefined);
  await using gateway = startGateway(upstream.url, {
    config: { Upstream: { MaxInFlight: 1, QueueTimeout: 60 } },
  });
  const open = async (): Promise<RawClient> => {
    const client = await RawClient.open(gateway.port);
    client.write(`GET /api/x HTTP/1.1\r\n${HOST}\r\n`);
    return client;
  };
  using first = await open();
  await eventually(() => gateway.services.pool.load.inFlight === 1, 2_000);
  using second = await open();
  await eventually(() => gateway.services.pool.load.queued === 1, 2_000);
  second.socket.resetAndDestroy();
  await eventually(() => gateway.services.pool.load.queued === 0, 2_000);
  first.socket.resetAndDestroy();
  await eventually(() => gateway.services.pool.load.inFlight === 0, 2_000);
});
