// Signals: the first asks, the second insists. What is under way ends properly, nothing new begins, nothing is left.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RawClient } from "../adversarial/rawClient.ts";
import { startRawUpstream } from "../adversarial/rawUpstream.ts";
import { type Child, startChild, waitUntilServing } from "../support/childProcess.ts";
import { openEventStream } from "../support/eventStream.ts";
import { eventually, within } from "../support/eventually.ts";
import { startHapta } from "../support/hapta.ts";
import { binaryOf, type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createScratch, freePort, PROJECT_DIR } from "../support/scratch.ts";

const HOST = "Host: app.test\r\n";
const get = (path: string): string => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`;
const startBoth = async (drainSeconds = 5) => {
  const pocketbase: PocketBase = await startPocketBase();
  const hapta = await startHapta(pocketbase, { config: { Server: { DrainTimeout: drainSeconds } } });
  return {
    hapta,
    pocketbase,
    async [Symbol.asyncDispose]() {
      await hapta[Symbol.asyncDispose]();
      await pocketbase[Symbol.asyncDispose]();
    },
  };
};

const isRefused = async (port: number): Promise<boolean> => {
  try {
    using client = await RawClient.open(port);
    client.write(get("/hapta/live"));
    await client.closed(1_000);
    return client.receivedBytes === 0;
  } catch {
    return true;
  }
};

test("SIGTERM: requests finish, streams end cleanly, new connections are refused, exit code 0", async () => {
  await using both = await startBoth();
  const { hapta } = both;
  using slow = await RawClient.open(hapta.port);
  slow.write(get("/custom/slow?ms=1500"));
  using upload = await RawClient.open(hapta.port);
  upload.write(`POST /custom/echo HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\n12345`);
  using dripping = await RawClient.open(hapta.port);
  dripping.write(get("/custom/drip?ms=1000"));
  await dripping.contains("first");
  using idle = await RawClient.open(hapta.port);
  idle.write(get("/hapta/live"));
  await idle.contains("Alive");
  using stream = await openEventStream(hapta.url);
  hapta.child.kill("SIGTERM");
  await eventually(() => isRefused(hapta.port), 1_500);
  await eventually(() => !stream.isOpen(), 1_500);
  expect(await idle.closed(1_500)).toBeOneOf(["end", "reset"]);
  upload.write("67890");
  await upload.contains("1234567890", 2_000);
  await slow.contains("200 OK", 4_000);
  await dripping.contains("last", 4_000);
  await dripping.contains("\r\n0\r\n\r\n");
  for (const client of [slow, upload]) expect(client.text).toContain("\r\nConnection: close\r\n");
  expect(await within(hapta.child.exited, 6_000, "exit")).toBe(0);
}, 60_000);

test("SIGTERM: an event stream ends with its last chunk, not with a cut", async () => {
  await using both = await startBoth();
  using client = await RawClient.open(both.hapta.port);
  client.write(get("/api/realtime"));
  await client.contains("PB_CONNECT");
  both.hapta.child.kill("SIGTERM");
  await client.closed(3_000);
  expect(client.ending).toBe("end");
  expect(client.text).toEndWith("\r\n0\r\n\r\n");
}, 60_000);

test("SIGTERM: a slow reader still gets the rest of its answer", async () => {
  await using both = await startBoth();
  using client = await RawClient.open(both.hapta.port);
  client.socket.pause();
  client.write(get("/custom/bytes?n=12000000"));
  using probe = await RawClient.open(both.hapta.port);
  probe.write(get("/custom/slow?ms=300"));
  await probe.contains("slow");
  both.hapta.child.kill("SIGTERM");
  await eventually(() => isRefused(both.hapta.port), 1_500);
  client.socket.resume();
  await client.closed(5_000);
  expect(client.receivedBytes).toBeGreaterThan(12_000_000);
  expect(await within(both.hapta.child.exited, 6_000, "exit")).toBe(0);
}, 60_000);

test("the drain has a deadline", async () => {
  await using both = await startBoth(1);
  using slow = await RawClient.open(both.hapta.port);
  slow.write(get("/custom/slow?ms=20000"));
  using probe = await RawClient.open(both.hapta.port);
  probe.write(get("/hapta/live"));
  await probe.contains("Alive");
  const askedMs = performance.now();
  both.hapta.child.kill("SIGTERM");
  expect(await within(both.hapta.child.exited, 4_000, "exit")).toBe(0);
  expect(performance.now() - askedMs).toBeGreaterThan(900);
  await slow.closed();
  expect(slow.receivedBytes).toBe(0);
}, 60_000);

test("a second signal ends at once", async () => {
  await using both = await startBoth(60);
  using slow = await RawClient.open(both.hapta.port);
  slow.write(get("/custom/slow?ms=20000"));
  using probe = await RawClient.open(both.hapta.port);
  probe.write(get("/hapta/live"));
  await probe.contains("Alive");
  both.hapta.child.kill("SIGINT");
  await eventually(() => isRefused(both.hapta.port), 1_500);
  expect(both.hapta.child.isRunning()).toBe(true);
  both.hapta.child.kill("SIGTERM");
  expect(await within(both.hapta.child.exited, 1_500, "exit")).toBe(1);
}, 60_000);

test("an upstream that says nothing does not delay the end", async () => {
  await using upstream = await startRawUpstream(() => undefined);
  await using hapta = await startHapta(upstream, { waitFor: "/hapta/live" });
  hapta.child.kill("SIGTERM");
  expect(await within(hapta.child.exited, 3_000, "exit")).toBe(0);
}, 60_000);

/** Hapta with its own embedded PocketBase. */
const startEmbedded = async (): Promise<{
  child: Child;
  url: string;
  port: number;
  [Symbol.asyncDispose](): Promise<void>;
}> => {
  const scratch = createScratch("embedded-signals");
  const port = await freePort();
  const child = startChild({
    command: [process.execPath, "run", join(PROJECT_DIR, "src", "index.ts"), "--port", String(port)],
    cwd: scratch.path,
    env: { HAPTA_DATA_DIR: join(scratch.path, "data"), HAPTA_POCKETBASE_BIN: binaryOf("0.39") },
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilServing(child, `${url}/hapta/ready`, 80_000);
  return {
    child,
    url,
    port,
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
};

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(/\s+/).filter(Boolean).map(Number);

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

test.each([
  { name: "one SIGTERM", signals: ["SIGTERM"], code: 0 },
  { name: "two signals", signals: ["SIGTERM", "SIGTERM"], code: 1 },
  { name: "SIGKILL", signals: ["SIGKILL"], code: 137 },
] as const)(
  "no PocketBase is left behind after $name",
  async ({ signals, code }) => {
    await using hapta = await startEmbedded();
    const pids = await eventually(() => {
      const found = childrenOf(hapta.child.pid);
      return found.length > 0 ? found : undefined;
    }, 5_000);
    using busy = await RawClient.open(hapta.port);
    busy.write(`POST /api/x HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\n12345`);
    using probe = await RawClient.open(hapta.port);
    probe.write(get("/hapta/live"));
    await probe.contains("Alive");
    if (signals.length === 1) busy.socket.resetAndDestroy();
    for (const [i, signal] of signals.entries()) {
      // Two signals at once would be one.
      if (i > 0) await eventually(() => isRefused(hapta.port), 1_500);
      hapta.child.kill(signal);
    }
    expect(await within(hapta.child.exited, 8_000, "exit")).toBe(code);
    await eventually(() => pids.every((pid) => !isAlive(pid)), 5_000);
  },
  180_000,
);
