// RE1 to RE8 over the wire, in front of a real PocketBase; RE4, RE9 and RE11 are in src/realtime/hub.test.ts too, RE3 with
// 1,000 writes each and RE11 with a real silence in tests/slow/realtime.test.ts. RE10 is about several nodes.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import {
  ADA,
  BEN,
  call,
  createMember,
  login,
  logout,
  type Pair,
  ROOT,
  refreshed,
  START_MS,
  TEST_MS,
} from "../sessions/support.ts";
import { openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";
import { headOf } from "../support/wireReader.ts";
import { gapsOf } from "./deciding.ts";
import { asRoot, idsOf, listen, rssOf, startWithRules, subscribe, topicWith } from "./support.ts";

setDefaultTimeout(TEST_MS);
let pair: Pair;
beforeAll(async () => {
  pair = await startWithRules();
}, START_MS);
afterAll(() => pair[Symbol.asyncDispose](), START_MS);

const OWNED = "/api/collections/rt_owner/records";

/** What a POST answers, in one text. */
const post = async (json: unknown, token?: string, address?: string): Promise<string> => {
  const headers = address === undefined ? [] : ([["X-Forwarded-For", address]] as const);
  const answer = await call(pair.url, { path: "/api/realtime", json, token, headers });
  return `${answer.status} ${headOf(answer, "x-hapta-error") ?? "-"} ${answer.text.trim()}`;
};

const DENIED = "The current and the previous request authorization don't match.";

test("RE1, RE2: nobody else changes what a stream is subscribed on", async () => {
  const ada = await login(pair.url, ADA);
  const ben = await login(pair.url, BEN);
  using stream = await listen(pair.url, { token: ada, topics: ["rt_owner/*"] });
  const theft = { clientId: stream.clientId, subscriptions: ["rt_public/*"] };
  for (const token of [ben, undefined, pair.pb.world.tokens.ada])
    expect(await post(theft, token)).toBe(
      `403 subscription_denied {"data":{},"message":"${DENIED}","status":403}`,
    );
  expect(await post(theft, undefined, "203.0.113.5")).toBe(
    '400 subscription_invalid {"data":{},"message":"Invalid realtime client.","status":400}',
  );
  const title = "still hers";
  await asRoot(pair)("POST", OWNED, { title, owner: IDS.ada });
  await asRoot(pair)("POST", "/api/collections/rt_public/records", { title: "not asked for" });
  await stream.contains(title);
  expect(stream.text()).not.toContain("not asked for");
  const next = await refreshed(pair.url, ada);
  await login(pair.url, ADA);
  expect(await post(theft, next)).toStartWith("204");
  expect(await logout(pair.url, next)).toBe(204);
  await eventually(() => !stream.isOpen(), 1_000);
  expect(await post(theft, next)).toStartWith("404");
});

test("a stream of one address takes no first subscription from another", async () => {
  using stream = await openEventStream(pair.url, { headers: [["X-Forwarded-For", "203.0.113.7"]] });
  const wish = { clientId: stream.clientId, subscriptions: ["rt_public/*"] };
  const ada = await login(pair.url, ADA);
  expect(await post(wish, ada, "203.0.113.8")).toStartWith("400 subscription_invalid");
  expect(await post(wish, undefined, "203.0.113.7")).toStartWith("204");
  expect(await post(wish, ada, "203.0.113.7")).toStartWith("204");
  // A phone that left the house is still the same person.
  expect(await post(wish, ada, "198.51.100.1")).toStartWith("204");
});

test("RE3: of a private collection everybody hears their own, under their own name", async () => {
  const tokens = [await login(pair.url, ADA), await login(pair.url, BEN)];
  using ada = await listen(pair.url, { token: tokens[0], topics: ["rt_owner/*", "rt_public/*"] });
  using ben = await listen(pair.url, { token: tokens[1], topics: ["rt_owner/*", "rt_public/*"] });
  using guest = await listen(pair.url, { topics: ["rt_owner/*", "rt_public/*"] });
  const ask = asRoot(pair);
  for (let n = 0; n < 40; n++)
    await ask("POST", OWNED, { title: `re3-${n}`, owner: n % 2 === 0 ? IDS.ada : IDS.ben });
  await ask("POST", "/api/collections/rt_public/records", { title: "re3-end" });
  const streams = [ada, ben, guest];
  const numbers = (text: string): number[] =>
    Array.from(text.matchAll(/re3-(\d+)/g), ([, n]) => Number(n)).sort((a, b) => a - b);
  const even = Array.from({ length: 20 }, (_, n) => 2 * n);
  await eventually(() => numbers(ada.text()).length >= 20 && numbers(ben.text()).length >= 20, 5_000);
  for (const stream of streams) await stream.contains("re3-end");
  expect(numbers(ada.text())).toEqual(even);
  expect(numbers(ben.text())).toEqual(even.map((n) => n + 1));
  expect(numbers(guest.text())).toEqual([]);
  for (const stream of streams) expect([...idsOf(stream).names]).toEqual([stream.clientId]);
});

test("RE4: guessed names are unknown until the limit is reached, and PocketBase hears nothing of it", async () => {
  await using pb = await startPocketBase();
  await using hapta = await startHapta(pb, { config: { ratelimit: { isEnabled: true, Max: 200 } } });
  using gone = await openEventStream(hapta.url);
  const { clientId } = gone;
  gone[Symbol.dispose]();
  await pb[Symbol.asyncDispose]();
  const codes: string[] = [];
  for (let n = 0; n < 300; n++) {
    const name = n === 100 ? clientId : `${n}`.padStart(40, "A");
    const json = { clientId: name, subscriptions: ["rt_public/*"] };
    const answer = await call(hapta.url, { path: "/api/realtime", json });
    codes.push(`${answer.status} ${headOf(answer, "x-hapta-error")}`);
  }
  expect([...new Set(codes)]).toEqual(["404 not_found", "429 rate_limited"]);
  expect(codes.lastIndexOf("404 not_found")).toBeGreaterThan(100);
});

test("RE5: a topic cannot break out of its line", async () => {
  using stream = await openEventStream(pair.url);
  for (const topic of ["rt_public/*\nid:x\ndata:{}", "a\rb", "a\u0000b"])
    expect(await post({ clientId: stream.clientId, subscriptions: [topic] })).toStartWith(
      "400 subscription_invalid",
    );
});

test("RE6: a reader that never reads is cut; others hear everything, and memory stays", async () => {
  const topics = Array.from({ length: 400 }, (_, n) => topicWith("rt_public/*", { query: { n } }));
  using quick = await listen(pair.url, { topics: ["rt_public/*"] });
  const { hostname, port } = new URL(pair.url);
  const slow = connect({ host: hostname, port: Number(port) });
  slow.write("GET /api/realtime HTTP/1.1\r\nHost: a\r\n\r\n");
  let first = "";
  slow.on("data", (part) => {
    first += String(part);
  });
  await eventually(() => first.includes("PB_CONNECT"), 5_000);
  slow.pause();
  const clientId = /id:(\w+)/.exec(first)?.[1];
  expect(await post({ clientId, subscriptions: topics })).toStartWith("204");
  const before = rssOf(pair);
  const ask = asRoot(pair);
  // 400 events of 5 KB each time, 120 MB in all; what grows is what the collector has not looked at yet.
  const flood = async (round: number): Promise<boolean> => {
    const before = gapsOf(quick);
    for (let n = 0; n < 60; n++)
      await ask("POST", "/api/collections/rt_public/records", {
        title: `re6-${round}-${n}-`.padEnd(5_000, "x"),
      });
    const isWhole = () =>
      Array.from({ length: 60 }, (_, n) => n).every((n) => quick.text().includes(`re6-${round}-${n}-`));
    await eventually(() => isWhole() || gapsOf(quick) > before, 10_000);
    return isWhole();
  };
  const isWhole = await flood(0);
  await eventually(async () => (await post({ clientId, subscriptions: [] })).startsWith("404"), 10_000);
  // On a busy machine Hapta may lose PocketBase in so much, and says so: what is told without a gap is told whole.
  expect(isWhole || (await flood(1)) || (await flood(2))).toBe(true);
  // On a busy machine the collector looks later.
  await eventually(() => rssOf(pair) - before < 100_000, 15_000);
  slow.destroy();
}, 120_000);

test("RE7: a refresh is invisible to a stream, which can still be changed", async () => {
  const ada = await login(pair.url, ADA);
  using stream = await listen(pair.url, { token: ada, topics: ["rt_owner/*"] });
  const next = await refreshed(pair.url, ada);
  expect(await subscribe(pair.url, stream, { token: next, topics: ["rt_owner/*", "rt_public/*"] })).toBe(204);
  await asRoot(pair)("POST", OWNED, { title: "re7", owner: IDS.ada });
  await stream.contains("re7");
});

test("RE8: a stream ends within a second of its session or its record", async () => {
  const member = await createMember(pair.url);
  const token = await login(pair.url, member);
  const other = await login(pair.url, member);
  using own = await listen(pair.url, { token, topics: ["rt_member/*"] });
  using second = await listen(pair.url, { token: other, topics: ["rt_member/*"] });
  expect(await logout(pair.url, token)).toBe(204);
  await eventually(() => !own.isOpen(), 1_000);
  await asRoot(pair)("POST", "/api/collections/rt_member/records", { title: "re8" });
  await second.contains("re8");
  // Past Hapta: the change feed tells.
  await asRoot(pair)("DELETE", `/api/collections/members/records/${member.id}`);
  await eventually(() => !second.isOpen(), 1_000);
});

test("a login after a change of password hears what it may, though the old stream was a guest's by then", async () => {
  const member = await createMember(pair.url);
  const old = await login(pair.url, member);
  using before = await listen(pair.url, { token: old, topics: ["rt_member/*"] });
  const password = "another password 1";
  await asRoot(pair)("PATCH", `/api/collections/members/records/${member.id}`, {
    password,
    passwordConfirm: password,
  });
  const token = await login(pair.url, { ...member, password });
  using after = await listen(pair.url, { token, topics: ["rt_member/*"] });
  await asRoot(pair)("POST", "/api/collections/rt_member/records", { title: "new password" });
  await after.contains("new password");
  await eventually(() => !before.isOpen(), 1_000);
});

test("superusers and members of the same topics hear apart", async () => {
  const root = await login(pair.url, ROOT);
  using seeing = await listen(pair.url, { token: root, topics: ["rt_nobody/*", "rt_public/*"] });
  using guest = await listen(pair.url, { topics: ["rt_nobody/*", "rt_public/*"] });
  await asRoot(pair)("POST", "/api/collections/rt_nobody/records", { title: "for root", secret: "s" });
  await asRoot(pair)("POST", "/api/collections/rt_public/records", { title: "for all", secret: "s" });
  await seeing.contains("for root");
  const text = await guest.contains("for all");
  expect(text).not.toContain("for root");
  expect(text).not.toContain("secret");
});
