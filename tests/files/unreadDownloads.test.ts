// Files on disk sent over real sockets without being read: every client gets its own bytes in its own order, however others
// leave. The listener and the source stand alone here; how kept files are chosen is tested in downloads.test.ts.
import { afterAll, beforeEach, expect, spyOn, test } from "bun:test";
import { readdirSync, realpathSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DiskSource } from "../../src/files/diskSource.ts";
import { Listener } from "../../src/http/listener.ts";
import { Outbox } from "../../src/http/outbox.ts";
import { RawClient } from "../adversarial/rawClient.ts";
import { eventually } from "../support/eventually.ts";
import { canSendFiles, keepOnly } from "../support/pageCache.ts";
import { createScratch } from "../support/scratch.ts";

/** More than the kernel takes for a client that does not read. */
const BYTES = 16_000_000;
const CLIENTS = 30;
const SMALL = Buffer.from("small");

const scratch = createScratch("unread");
/** Bytes that say whose they are and where. */
const contentOf = (seed: number): Buffer =>
  Buffer.from(Uint32Array.from({ length: BYTES / 4 }, (_, i) => (i + seed * 4_000_037) >>> 0).buffer);
const FILES = new Map(["a", "b", "c"].map((name, i) => [name, contentOf(i + 1)]));
const pathOf = (name: string): string => join(realpathSync(scratch.path), name);
for (const [name, content] of FILES) writeFileSync(pathOf(name), content);
const isPossible = await canSendFiles(pathOf("a"));

let broken = 0;
const listener = new Listener({
  host: "127.0.0.1",
  port: 0,
  connectionsMax: 1_000,
  // `/name/from/to`
  handle: ({ head }) => {
    const [, name = "", from, to] = head.target.split("/");
    if (name === "small") return { status: 200, headers: [], body: SMALL };
    const part = { path: pathOf(name), from: Number(from), to: Number(to), onBroken: () => (broken += 1) };
    const headers = ["Content-Length", String(part.to - part.from)];
    return { status: 200, headers, body: new DiskSource(part) };
  },
  refuse: () => ({ status: 400, headers: [], body: null }),
});

const sending = spyOn(Outbox.prototype, "sendFile");
const giving = spyOn(Outbox.prototype, "give");
/** Bytes that went out unread since the test began. */
const sentBytes = (): number =>
  sending.mock.results.reduce((sum, { value }) => sum + (typeof value === "number" ? value : 0), 0);
beforeEach(() => {
  sending.mockClear();
  giving.mockClear();
  broken = 0;
});
afterAll(() => {
  sending.mockRestore();
  giving.mockRestore();
  listener.cut();
  scratch[Symbol.dispose]();
});

/** A part of a file; all of it unless told. */
interface Part {
  readonly name: string;
  readonly from?: number;
  readonly to?: number;
}

const ask = ({ name, from = 0, to = BYTES }: Part, method = "GET", version = "1.1"): string =>
  `${method} /${name}/${from}/${to} HTTP/${version}\r\nHost: a\r\n\r\n`;

const bytesOf = ({ name, from = 0, to = BYTES }: Part): Buffer =>
  name === "small" ? SMALL : (FILES.get(name) ?? Buffer.alloc(0)).subarray(from, to);

/** Waits until a client has the answers to these requests, and nothing else since its byte `at`. */
const receives = async (client: RawClient, parts: readonly Part[], at = 0): Promise<void> => {
  const bodyBytes = parts.reduce((sum, part) => sum + bytesOf(part).length, 0);
  const check = (): boolean => {
    let end = at;
    for (const part of parts) {
      const body = bytesOf(part);
      const from = client.received.indexOf("\r\n\r\n", end) + 4;
      const start = client.received.toString("latin1", end, end + 15);
      end = from + body.length;
      if (client.received.length < end) return false;
      expect(start).toBe("HTTP/1.1 200 OK");
      if (Buffer.compare(client.received.subarray(from, end), body) !== 0)
        throw new Error(`not ${part.name}`);
    }
    expect(client.receivedBytes).toBe(end);
    return true;
  };
  await eventually(() => client.receivedBytes - at > bodyBytes && check(), 20_000);
};

test("requests sent ahead get their parts, whole and in order, and most bytes are sent unread", async () => {
  using client = await RawClient.open(listener.port);
  const parts = [
    { name: "a" },
    { name: "b", from: 4_097, to: 9_000_001 },
    { name: "small" },
    { name: "c", from: BYTES - 1, to: BYTES },
    { name: "a", from: 1, to: 700_000 },
  ];
  client.write(parts.map((part) => ask(part)).join(""));
  await receives(client, parts);
  if (isPossible) expect(sentBytes()).toBeGreaterThan(0.7 * client.receivedBytes);
  const before = client.receivedBytes;
  client.write(ask({ name: "small" }));
  await receives(client, [{ name: "small" }], before);
}, 60_000);

test("HEAD sends none of it, and HTTP/1.0 ends with it", async () => {
  using head = await RawClient.open(listener.port);
  head.write(ask({ name: "a" }, "HEAD") + ask({ name: "small" }));
  await eventually(() => head.text.endsWith("\r\n\r\nsmall"), 5_000);
  expect([sending.mock.calls.length, head.statuses]).toEqual([0, [200, 200]]);
  using old = await RawClient.open(listener.port);
  old.write(ask({ name: "b" }, "GET", "1.0"));
  expect(await old.closed(20_000)).toBe("end");
  await receives(old, [{ name: "b" }]);
}, 60_000);

test("a client that takes nothing for a while gets every byte", async () => {
  using client = await RawClient.open(listener.port);
  client.socket.pause();
  client.write(ask({ name: "c" }));
  await eventually(() => giving.mock.results.some(({ value }) => value === false), 10_000);
  client.socket.resume();
  await receives(client, [{ name: "c" }]);
}, 60_000);

test("clients that leave in the middle put no byte into what others get on the numbers of their sockets", async () => {
  const open = (): number => readdirSync("/proc/self/fd").length;
  const before = process.platform === "linux" ? open() : 0;
  const names = [...FILES.keys()];
  for (let round = 0; round < 4; round++) {
    const leaving = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.open(listener.port)));
    for (const client of leaving) client.write(ask({ name: "a" }));
    await eventually(() => leaving.every(({ receivedBytes }) => receivedBytes > 0), 20_000);
    for (const [i, { socket }] of leaving.entries())
      i % 2 === 0 ? socket.destroy() : socket.resetAndDestroy();
    // At once, so that they take the numbers over while the sources of the others learn of it.
    const staying = await Promise.all(names.map(() => RawClient.open(listener.port)));
    for (const [i, client] of staying.entries())
      client.write(ask({ name: "small" }) + ask({ name: names[i] ?? "" }));
    for (const [i, client] of staying.entries()) {
      await receives(client, [{ name: "small" }, { name: names[i] ?? "" }]);
      client[Symbol.dispose]();
    }
  }
  if (process.platform === "linux") await eventually(() => open() <= before + 4, 10_000);
}, 90_000);

test("what is not in memory is read, and arrives as it is", async () => {
  // The kernel may be busy with a page that it is to drop.
  await eventually(async () => {
    sending.mockClear();
    if (isPossible) keepOnly(pathOf("b"));
    using client = await RawClient.open(listener.port);
    client.write(ask({ name: "b" }));
    await receives(client, [{ name: "b" }]);
    return !isPossible || sending.mock.results[0]?.value === 0;
  }, 20_000);
  expect(giving).toHaveBeenCalled();
}, 60_000);

test("a file that is replaced on its way is sent as it was; one that is cut short ends the connection", async () => {
  writeFileSync(pathOf("next"), contentOf(9));
  using client = await RawClient.open(listener.port);
  client.write(ask({ name: "c" }));
  // More than a head: the file is open.
  await eventually(() => client.receivedBytes > 65_536, 5_000);
  client.socket.pause();
  renameSync(pathOf("next"), pathOf("c"));
  client.socket.resume();
  await receives(client, [{ name: "c" }]);
  using cut = await RawClient.open(listener.port);
  truncateSync(pathOf("c"), BYTES / 2);
  cut.write(ask({ name: "c" }));
  await cut.closed(20_000);
  expect([broken, cut.receivedBytes < BYTES]).toEqual([1, true]);
}, 60_000);
