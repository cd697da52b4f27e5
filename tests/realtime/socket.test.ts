// /ws/realtime in front of a real PocketBase: what its frames do, whose they are, and when it ends.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  ADA,
  BEN,
  call,
  createMember,
  login,
  logout,
  type Pair,
  refreshed,
  START_MS,
  TEST_MS,
} from "../sessions/support.ts";
import { eventually, within } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { openSocket } from "../support/socket.ts";
import { asRoot, listen, startWithRules, topicWith } from "./support.ts";

setDefaultTimeout(TEST_MS);
let pair: Pair;
beforeAll(async () => {
  pair = await startWithRules();
}, START_MS);
afterAll(() => pair[Symbol.asyncDispose](), START_MS);

const create = (collection: string, json: unknown): Promise<Record<string, unknown>> =>
  asRoot(pair)("POST", `/api/collections/${collection}/records`, json);

const auth = (token: string): unknown => ({ type: "auth", token });
const subscribe = (...topics: string[]): unknown => ({ type: "subscribe", topics });
const OFFSET = { offset: expect.stringMatching(/^[0-9a-f]{8}-\d+$/) };
const subscribed = (...topics: string[]) =>
  ({ type: "subscribed", topics, ...(topics.length > 0 ? OFFSET : {}) }) as const;

test("subscribes, hears what an event stream hears, unsubscribes, and is answered", async () => {
  using socket = await openSocket(pair.url);
  using stream = await listen(pair.url, { topics: ["rt_public/*"] });
  expect(socket.frames).toEqual([{ type: "connected", clientId: expect.stringMatching(/^\w{40}$/) }]);
  expect(await socket.ask(subscribe("rt_public/*"))).toEqual(subscribed("rt_public/*"));
  expect(await socket.ask(subscribe("rt_field/*", "rt_public/*"))).toEqual(
    subscribed("rt_public/*", "rt_field/*"),
  );
  expect(await socket.ask({ type: "ping" })).toEqual({ type: "pong" });
  const { id } = await create("rt_public", { title: "ä€😀" });
  const event = await socket.frame(({ type }) => type === "event");
  await stream.contains(String(id));
  const told: unknown = JSON.parse(/event:rt_public\/\*\ndata:(.*)/.exec(stream.text())?.[1] ?? "");
  expect(event).toEqual({ type: "event", topic: "rt_public/*", data: told as object, ...OFFSET });
  expect(await socket.ask({ type: "unsubscribe", topics: ["rt_public/*", "never"] })).toEqual(
    subscribed("rt_field/*"),
  );
  await create("rt_public", { title: "not asked for" });
  await create("rt_field", { title: "asked for", flag: true });
  await socket.frame(({ topic }) => topic === "rt_field/*");
  expect(socket.events().length).toBe(2);
});

test("a caller comes by the upgrade, or by a frame, and goes", async () => {
  const token = await login(pair.url, ADA);
  using atOnce = await openSocket(pair.url, { token });
  using later = await openSocket(pair.url);
  expect(await later.ask(auth(token))).toEqual(subscribed());
  for (const socket of [atOnce, later]) await socket.ask(subscribe("rt_owner/*"));
  using guest = await openSocket(pair.url);
  await guest.ask(subscribe("rt_owner/*"));
  await create("rt_owner", { title: "hers", owner: IDS.ada });
  for (const socket of [atOnce, later]) await socket.frame(({ type }) => type === "event");
  expect(await later.ask(auth(""))).toEqual(subscribed("rt_owner/*"));
  await create("rt_owner", { title: "hers too", owner: IDS.ada });
  await eventually(() => atOnce.events().length === 2, 5_000);
  expect([later.events().length, guest.events().length]).toEqual([1, 0]);
});

test("another token of the same caller keeps the topics, another caller's are judged anew", async () => {
  const ada = await login(pair.url, ADA);
  using socket = await openSocket(pair.url, { token: ada });
  await socket.ask(subscribe("rt_owner/*"));
  const next = await refreshed(pair.url, ada);
  expect(await socket.ask(auth(next))).toEqual(subscribed("rt_owner/*"));
  await create("rt_owner", { title: "ada 1", owner: IDS.ada });
  await socket.frame(({ type }) => type === "event");
  expect(await socket.ask(auth(await login(pair.url, BEN)))).toEqual(subscribed("rt_owner/*"));
  await create("rt_owner", { title: "ada 2", owner: IDS.ada });
  await create("rt_owner", { title: "ben 1", owner: IDS.ben });
  await socket.frame(({ data }) => JSON.stringify(data ?? "").includes("ben 1"));
  expect(JSON.stringify(socket.events())).not.toContain("ada 2");
  // Now it is his: her logout is none of its business.
  expect(await logout(pair.url, next)).toBe(204);
  expect(await socket.ask({ type: "ping" })).toEqual({ type: "pong" });
});

test("a token that counts for nothing is refused, and changes nothing", async () => {
  const token = await login(pair.url, ADA);
  using socket = await openSocket(pair.url, { token });
  await socket.ask(subscribe("rt_owner/*"));
  for (const wrong of ["x", "a.b.c", pair.pb.world.tokens.ben])
    expect(await socket.ask(auth(wrong))).toMatchObject({ type: "error", code: "session_required" });
  await create("rt_owner", { title: "still hers", owner: IDS.ada });
  await socket.frame(({ type }) => type === "event");
});

test("RE8: it closes within a second of its session, with the reason", async () => {
  const member = await createMember(pair.url);
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => login(pair.url, member)));
  using out = await openSocket(pair.url, { token: one });
  using idle = await openSocket(pair.url, { token: two });
  using deleted = await openSocket(pair.url);
  await out.ask(subscribe("rt_public/*"));
  await deleted.ask(auth(three ?? ""));
  const OVER = "4401 the session is over";
  expect(await logout(pair.url, one ?? "")).toBe(204);
  expect(await within(out.closed, 1_000, "logout")).toBe(OVER);
  await call(pair.url, { method: "DELETE", path: "/auth/sessions", token: three });
  expect(await within(idle.closed, 1_000, "revocation")).toBe(OVER);
  await call(pair.url, {
    method: "DELETE",
    path: `/api/collections/members/records/${member.id}`,
    token: three,
  });
  expect(await within(deleted.closed, 1_000, "the record's end")).toBe(OVER);
});

test("topics are checked as in a POST, and a refused frame changes nothing", async () => {
  using socket = await openSocket(pair.url);
  await socket.ask(subscribe("rt_public/*"));
  const lists = [["x".repeat(2501)], ["ok", "a\nb"], Array.from({ length: 1001 }, (_, i) => `t${i}`)];
  for (const topics of lists) {
    const json = { clientId: socket.clientId, subscriptions: topics };
    const { data, message } = JSON.parse((await call(pair.url, { path: "/api/realtime", json })).text);
    expect(await socket.ask({ type: "subscribe", topics })).toEqual({
      type: "error",
      code: "subscription_invalid",
      message,
      ...(topics.length === 1 ? { topic: topics[0] } : {}),
      data,
    });
  }
  const forged = topicWith("rt_public/*", { headers: { Authorization: "x" } });
  expect(await socket.ask(subscribe(forged))).toMatchObject({ type: "error", code: "body_invalid" });
  expect(await socket.ask({ type: "unsubscribe", topics: [] })).toEqual(subscribed("rt_public/*"));
});

test("what is no frame is answered, and ends nothing", async () => {
  using socket = await openSocket(pair.url);
  const wrong = [
    "",
    "x",
    "1",
    "null",
    "[]",
    "{}",
    `{"type":"subscribe"}`,
    `{"type":"subscribe","topics":[1]}`,
  ];
  wrong.push(`{"type":"auth"}`, `{"type":"auth","token":1}`, `{"type":"__proto__"}`, "[".repeat(60_000));
  for (const text of wrong)
    expect(await socket.ask(text)).toMatchObject({ type: "error", code: "frame_invalid" });
  expect(await socket.ask({ type: "ping" })).toEqual({ type: "pong" });
});

test("frames that are sent at once are answered one after the other", async () => {
  using socket = await openSocket(pair.url);
  socket.send(subscribe("rt_public/*"));
  socket.send({ type: "unsubscribe", topics: ["rt_public/*"] });
  socket.send(subscribe("rt_field/*"));
  socket.send({ type: "ping" });
  await socket.frame(({ type }) => type === "pong");
  expect(socket.frames.slice(1)).toEqual([
    subscribed("rt_public/*"),
    subscribed(),
    subscribed("rt_field/*"),
    { type: "pong" },
  ]);
});
