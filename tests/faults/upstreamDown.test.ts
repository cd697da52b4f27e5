// PocketBase killed, restarted, frozen and gone, under load through Hapta: every request gets an answer in time and
// in PocketBase's error shape, and service comes back by itself.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startAgain, startPocketBase } from "../support/pocketbase.ts";
import { exchange } from "../support/wire.ts";
import { startLoad, verdictsOf } from "./load.ts";

const TIMEOUTS = {
  ConnectTimeout: 1,
  FirstByteTimeout: 1.5,
  IdleTimeout: 1.5,
  QueueTimeout: 1,
  TotalTimeout: 5,
  MaxInFlight: 16,
};
/** The longest a request may take with these: queue, connect, first byte, and room for a busy machine. */
const WORST_MS = 4_500;
const READ = { path: "/api/collections/notices/records?perPage=1" };
const WRITE = {
  method: "POST",
  path: "/api/collections/notices/records",
  headers: [["Content-Type", "application/json"]] as const,
  body: '{"title":"fault"}',
};

let pocketbase: PocketBase;
let hapta: Hapta;
beforeEach(async () => {
  pocketbase = await startPocketBase();
  hapta = await startHapta(pocketbase, { config: { Upstream: TIMEOUTS } });
}, 60_000);
afterEach(async () => {
  await hapta[Symbol.asyncDispose]();
  pocketbase.child.kill("SIGCONT");
  await pocketbase[Symbol.asyncDispose]();
}, 120_000);

const statusOf = async (path: string): Promise<number> => (await exchange(hapta.url, { path })).status;

test("killed and restarted under load: 502 in the shape, never a hang, whole again within 10 s", async () => {
  const reads = startLoad(hapta.url, 8, READ);
  const writes = startLoad(hapta.url, 2, WRITE);
  await eventually(() => reads.outcomes.length > 50 && writes.outcomes.length > 5, 10_000);
  pocketbase.child.kill("SIGKILL");
  await eventually(() => reads.outcomes.some(({ verdict }) => verdict.startsWith("502")), 3_000);
  expect(await statusOf("/hapta/live")).toBe(200);
  await eventually(async () => (await statusOf("/hapta/ready")) === 503, 6_000);
  await using _again = await startAgain(pocketbase);
  const upMs = performance.now();
  await eventually(
    () => reads.outcomes.some(({ verdict, endedMs }) => verdict === "200" && endedMs > upMs),
    10_000,
  );
  await eventually(async () => (await statusOf("/hapta/ready")) === 200, 10_000);
  await Promise.all([reads.stop(), writes.stop()]);
  const outcomes = [...reads.outcomes, ...writes.outcomes];
  expect(
    verdictsOf(outcomes).filter((verdict) => !/^(?:200|502 upstream_(?:unreachable|invalid))$/.test(verdict)),
  ).toEqual([]);
  expect(Math.max(...outcomes.map(({ ms }) => ms))).toBeLessThan(WORST_MS);
  const refused = outcomes.find(({ verdict }) => verdict === "502 upstream_unreachable");
  expect(refused?.text).toBe('{"data":{},"message":"The upstream server can\'t be reached.","status":502}\n');
  // Nothing of this machine is in any answer.
  for (const { text, verdict } of outcomes)
    if (verdict !== "200") expect(text).not.toMatch(/127\.0\.0\.1|ECONN|socket|\.ts/);
}, 60_000);

test("frozen under load: 504 or an early 503, then whole again as soon as it goes on", async () => {
  const reads = startLoad(hapta.url, 40, READ);
  await eventually(() => reads.outcomes.length > 100, 10_000);
  pocketbase.child.kill("SIGSTOP");
  const frozenMs = performance.now();
  const since = () => reads.outcomes.filter(({ endedMs }) => endedMs > frozenMs + 300);
  await eventually(
    () =>
      verdictsOf(since()).includes("504 upstream_timeout") && verdictsOf(since()).includes("503 overloaded"),
    8_000,
  );
  expect(await statusOf("/hapta/live")).toBe(200);
  pocketbase.child.kill("SIGCONT");
  const goesMs = performance.now();
  await eventually(
    () => reads.outcomes.some(({ verdict, endedMs }) => verdict === "200" && endedMs > goesMs + 500),
    10_000,
  );
  await reads.stop();
  expect(verdictsOf(reads.outcomes)).toEqual(["200", "503 overloaded", "504 upstream_timeout"]);
  expect(Math.max(...reads.outcomes.map(({ ms }) => ms))).toBeLessThan(WORST_MS);
}, 60_000);

test("frozen: a 503 of the queue says when to come back", async () => {
  pocketbase.child.kill("SIGSTOP");
  const load = startLoad(hapta.url, 16, READ);
  const answer = await eventually(async () => {
    const one = await exchange(hapta.url, READ);
    return one.status === 503 ? one : undefined;
  }, 8_000);
  const after = Number(answer.headers.find(([name]) => name === "Retry-After")?.[1]);
  expect(after).toBeGreaterThanOrEqual(1);
  expect(after).toBeLessThanOrEqual(10);
  pocketbase.child.kill("SIGCONT");
  await load.stop();
}, 120_000);

test("HEAD on the event stream does not take connections out of service", async () => {
  for (let i = 0; i < 40; i++) {
    const answer = await exchange(hapta.url, { method: "HEAD", path: "/api/realtime" });
    expect(answer.status).toBe(200);
  }
  const load = startLoad(hapta.url, 16, READ);
  await eventually(() => load.outcomes.length > 200, 10_000);
  await load.stop();
  expect(verdictsOf(load.outcomes)).toEqual(["200"]);
}, 120_000);
