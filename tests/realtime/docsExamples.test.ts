// The examples of docs/realtime.md do what the page says, as they stand there: only addresses and names are filled in.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";
import { call, type Pair, START_MS, startPair } from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { createScratch, PROJECT_DIR } from "../support/scratch.ts";
import { openSocket } from "../support/socket.ts";
import { type StallingProxy, startStallingProxy } from "../upstream/stallingProxy.ts";

setDefaultTimeout(120_000);
const WAIT_MS = 20_000;

const page = await Bun.file(join(PROJECT_DIR, "docs", "realtime.md")).text();
const examples = [...page.matchAll(/^```(?:js|ts)\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);

/** The one example with a text in it. */
const example = (text: string): string => {
  const found = examples.filter((code) => code.includes(text));
  expect(found).toHaveLength(1);
  return found[0] ?? "";
};

const importFrom = async (source: string): Promise<unknown> => {
  using scratch = createScratch("docs");
  const file = join(scratch.path, "example.ts");
  await Bun.write(file, source);
  return (await import(file)).default;
};

let pair: Pair;
let proxy: StallingProxy;
beforeAll(async () => {
  const configs = (await Promise.all(
    ["Decide: true", "Channels: {"].map((text) => importFrom(example(text))),
  )) as {
    readonly Realtime: object;
  }[];
  const Realtime = Object.assign({}, ...configs.map((config) => config.Realtime));
  pair = await startPair({ config: { Realtime, ratelimit: { isEnabled: false } } });
  // What stands between a client and Hapta may break.
  proxy = await startStallingProxy(pair.url);
  Object.assign(globalThis, { EventSource });
}, START_MS);
afterAll(async () => {
  proxy[Symbol.dispose]();
  await pair[Symbol.asyncDispose]();
}, START_MS);

/** Runs one as a signed-in app would. @returns what it has printed so far, and what it left open. */
const run = async (text: string, left = "undefined") => {
  const pb = new PocketBase(proxy.url);
  pb.autoCancellation(false);
  await pb.collection("members").authWithPassword("ada@example.com", PASSWORD);
  const printed: string[] = [];
  const note = (...what: unknown[]): void =>
    void printed.push(what.map((one) => JSON.stringify(one)).join(" "));
  const code = example(text)
    .replaceAll("localhost:3599", new URL(proxy.url).host)
    .replaceAll('"posts', '"notices');
  const source = `export default async ({ pb, console, reload }) => { ${code}; return ${left}; };`;
  const main = (await importFrom(source)) as (world: object) => Promise<{ close(): void } | undefined>;
  const open = await main({ pb, console: { log: note }, reload: () => note("reload") });
  return { pb, printed, open };
};

const write = async (title: string): Promise<string> => {
  const { text } = await call(pair.url, { path: "/api/collections/notices/records", json: { title } });
  return JSON.stringify((JSON.parse(text) as { id: string }).id);
};
/** Writes until one of them was heard of: subscribing takes its time. */
const heard = (printed: readonly string[], title: string) =>
  eventually(async () => {
    const id = await write(title);
    return eventually(() => printed.some((line) => line.includes(id)), 1_000).catch(() => false);
  }, WAIT_MS);

test("the SDK hears, and reads anew when it connects again", async () => {
  const { pb, printed } = await run(".collection(");
  await heard(printed, "by the SDK");
  const again = await run('subscribe("PB_CONNECT"');
  proxy.cut();
  await eventually(() => again.printed.includes('"reload"'), WAIT_MS);
  for (const one of [pb, again.pb]) await one.realtime.unsubscribe();
});

test("an EventSource that lost its connection gets what it missed", async () => {
  const { printed, open } = await run("HAPTA_RECOVERY", "stream");
  await heard(printed, "before");
  // On a busy machine Hapta may not know all of it, and says so: then it is read anew.
  await eventually(async () => {
    const told = printed.length;
    proxy.cut();
    const missed = await write("missed");
    const isTold = () => printed.includes(missed);
    await eventually(() => isTold() || printed.slice(told).includes('"reload"'), WAIT_MS);
    return isTold();
  }, 2 * WAIT_MS);
  open?.close();
});

test("a WebSocket hears", async () => {
  const { printed, open } = await run('type: "subscribe"', "socket");
  await heard(printed, "by WebSocket");
  open?.close();
});

test("on a channel somebody is seen, and heard", async () => {
  using other = await openSocket(pair.url);
  await other.ask({ type: "join", channel: "lobby", data: { name: "Tomas" } });
  const { printed, open } = await run('type: "join"', "socket");
  const { member } = (await other.frame(({ type }) => type === "join")) as { member: { data: unknown } };
  expect(member.data).toEqual({ name: "Mira" });
  expect(await other.frame(({ type }) => type === "message")).toMatchObject({ data: "hello" });
  await other.ask({ type: "message", channel: "lobby", data: "welcome" }, "sent");
  await eventually(() => printed.includes('{"name":"Tomas"} "welcome"'), WAIT_MS);
  open?.close();
  await other.frame(({ type }) => type === "leave");
});
