// Clients that come back to a real PocketBase's events: what they missed is told when it may be told now, by PocketBase's
// own word, and is said to be lost in every other case.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  ADA,
  BEN,
  call,
  login,
  logout,
  type Pair,
  ROOT,
  START_MS,
  startPair,
  TEST_MS,
} from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";
import { openSocket } from "../support/socket.ts";
import { asRoot, createCollections, eventsOf, idsOf, listen, topicWith } from "./support.ts";

setDefaultTimeout(TEST_MS);
let pair: Pair;
let tokens: { readonly ada: string; readonly ben: string; readonly root: string };
beforeAll(async () => {
  pair = await startPair();
  await createCollections(pair);
  tokens = {
    ada: await login(pair.url, ADA),
    ben: await login(pair.url, BEN),
    root: await login(pair.url, ROOT),
  };
  await settleSchema();
}, START_MS);
afterAll(() => pair[Symbol.asyncDispose](), START_MS);

const recordsOf = (name: string): string => `/api/collections/${name}/records`;

interface Absence {
  readonly token?: string | undefined;
  readonly topics: readonly string[];
  /** What happens while the client is away; another client of the same caller hears it as far as it may. */
  readonly happens: () => Promise<unknown>;
  /** As whom it comes back; as it was when absent. */
  readonly returns?: { readonly token: string | undefined };
}

/** Goes away and comes back. @returns what it was told then: the report, then titles of records. */
const comeBack = async ({ token, topics, happens, returns }: Absence): Promise<string[]> => {
  const first = await listen(pair.url, { token, topics });
  await eventually(() => idsOf(first).places.length > 0, 2_000);
  const since = idsOf(first).places.at(-1);
  first[Symbol.dispose]();
  // Its own topics stay; another one of the same group tells when everything has come.
  const who = returns ?? { token };
  using witness = await listen(pair.url, { ...who, topics: ["rt_public/*"] });
  await happens();
  const mark = `mark ${performance.now()}`;
  await asRoot(pair)("POST", recordsOf("rt_public"), { title: mark });
  await witness.contains(mark);
  using second = await listen(pair.url, { ...who, topics, since });
  const text = await second.contains("HAPTA_RECOVERY");
  await eventually(() => idsOf(second).places.length > 0, 2_000);
  const report = /event:HAPTA_RECOVERY\ndata:(.*)/.exec(text)?.[1] ?? "";
  const titles = Array.from(second.text().matchAll(/"title":"([^"]*)"/g), ([, title = ""]) => title);
  return [report, ...titles.filter((title) => !title.startsWith("mark"))];
};

/** A change of the schema loses what was told before Hapta saw it. */
const settleSchema = async (): Promise<void> => {
  const happens = (): Promise<unknown> => write("rt_public", { title: "mark" });
  await eventually(async () => (await comeBack({ topics: ["rt_public/*"], happens }))[0] === WHOLE, 10_000);
};

const WHOLE = '{"recovered":true,"lost":[]}';
const lost = (...topics: readonly string[]): string => JSON.stringify({ recovered: false, lost: topics });

const write = async (name: string, fields: Readonly<Record<string, unknown>>): Promise<string> =>
  String((await asRoot(pair)("POST", recordsOf(name), fields))["id"]);

const edit = (name: string, id: string, fields: Readonly<Record<string, unknown>>): Promise<unknown> =>
  asRoot(pair)("PATCH", `${recordsOf(name)}/${id}`, fields);

const remove = (name: string, id: string): Promise<unknown> =>
  asRoot(pair)("DELETE", `${recordsOf(name)}/${id}`);

test("a guest gets what it missed of a public collection, deletes too", async () => {
  const happens = async (): Promise<void> => {
    const id = await write("rt_public", { title: "one" });
    await edit("rt_public", id, { title: "two" });
    await remove("rt_public", id);
  };
  const told = await comeBack({ topics: ["rt_public/*"], happens });
  // PocketBase itself keeps no order.
  expect([told[0], ...told.slice(1).sort()]).toEqual([WHOLE, "one", "two", "two"]);
});

test("a member gets what it missed of its own records, and of what members see", async () => {
  const happens = async (): Promise<void> => {
    const id = await write("rt_owner", { title: "mine", owner: IDS.ada });
    await write("rt_owner", { title: "not hers", owner: IDS.ben });
    await edit("rt_owner", id, { title: "mine still" });
    const gone = await write("rt_owner", { title: "mine once", owner: IDS.ada });
    await remove("rt_owner", gone);
    await write("rt_member", { title: "for members" });
    await write("rt_field", { title: "shown", flag: true });
  };
  const topics = ["rt_owner/*", "rt_member/*", "rt_field/*"];
  const told = await comeBack({ token: tokens.ada, topics, happens });
  expect(told[0]).toBe(WHOLE);
  expect(told.slice(1).sort()).toEqual(
    ["mine", "mine still", "mine once", "mine once", "for members", "shown"].sort(),
  );
});

test("a superuser gets everything", async () => {
  const happens = (): Promise<unknown> => write("rt_nobody", { title: "secret" });
  const told = await comeBack({ token: tokens.root, topics: ["rt_nobody/*"], happens });
  expect(told).toEqual([WHOLE, "secret"]);
});

test("what its owner lost meanwhile is lost, and not a byte of it is told", async () => {
  const happens = async (): Promise<void> => {
    const id = await write("rt_owner", { title: "given away", owner: IDS.ada });
    await edit("rt_owner", id, { owner: IDS.ben });
  };
  const topics = ["rt_owner/*", "rt_public/*"];
  expect(await comeBack({ token: tokens.ada, topics, happens })).toEqual([lost("rt_owner/*")]);
});

test("a record that was hidden meanwhile, or whose parent was", async () => {
  const field = async (): Promise<unknown> => {
    const id = await write("rt_field", { title: "shown once", flag: true });
    return edit("rt_field", id, { flag: false });
  };
  expect(await comeBack({ topics: ["rt_field/*"], happens: field })).toEqual([lost("rt_field/*")]);
  const parent = await write("rt_public", { title: "mark", flag: true });
  const child = (): Promise<unknown> => write("rt_parent", { title: "child", parent });
  expect(await comeBack({ topics: ["rt_parent/*"], happens: child })).toEqual([WHOLE, "child"]);
  const hidden = async (): Promise<unknown> => {
    await write("rt_parent", { title: "hidden child", parent });
    return edit("rt_public", parent, { title: "mark", flag: false });
  };
  expect(await comeBack({ topics: ["rt_parent/*"], happens: hidden })).toEqual([lost("rt_parent/*")]);
});

test("a deleted record is lost where its rule reads more than the record and the caller's id", async () => {
  const happens = async (): Promise<unknown> => remove("rt_role", await write("rt_role", { title: "gone" }));
  expect(await comeBack({ token: tokens.ada, topics: ["rt_role/*"], happens })).toEqual([lost("rt_role/*")]);
});

test("a role that was lost meanwhile", async () => {
  const member = `/api/collections/members/records/${IDS.ada}`;
  const held = (): Promise<unknown> => write("rt_role", { title: "for Ada" });
  expect(await comeBack({ token: tokens.ada, topics: ["rt_role/*"], happens: held })).toEqual([
    WHOLE,
    "for Ada",
  ]);
  const happens = async (): Promise<void> => {
    await write("rt_role", { title: "for Ada" });
    await asRoot(pair)("PATCH", member, { name: "Somebody" });
  };
  const told = await comeBack({ token: tokens.ada, topics: ["rt_role/*"], happens });
  await asRoot(pair)("PATCH", member, { name: "Ada" });
  expect(told).toEqual([lost("rt_role/*")]);
});

test("a rule that was edited past Hapta meanwhile", async () => {
  const happens = async (): Promise<void> => {
    await write("rt_member", { title: "for members" });
    await asRoot(pair)("PATCH", "/api/collections/rt_member", { listRule: null, viewRule: null });
  };
  const told = await comeBack({ token: tokens.ada, topics: ["rt_member/*"], happens });
  const rule = "@request.auth.id != ''";
  await asRoot(pair)("PATCH", "/api/collections/rt_member", { listRule: rule, viewRule: rule });
  await settleSchema();
  expect(told).toEqual([lost("rt_member/*")]);
});

test("what nobody can ask about again: headers, context, expanded relations, auth collections", async () => {
  const asked = topicWith("rt_asked/*", { query: { key: "k" } });
  const expanded = topicWith("rt_public/*", { query: { expand: "parent" } });
  const escaped = `rt_public/*?options=${encodeURIComponent('{"query":{"\\u0065xpand":"parent"}}')}`;
  const topics = [asked, "rt_time/*", expanded, escaped, `members/${IDS.ada}`];
  const happens = async (): Promise<void> => {
    for (const name of ["rt_asked", "rt_time", "rt_public"]) await write(name, { title: "mark" });
    await asRoot(pair)("PATCH", `/api/collections/members/records/${IDS.ada}`, { name: "Ada" });
  };
  // The last one shows that nothing else is in the way.
  const all = [...topics, "rt_public/*"];
  expect(await comeBack({ token: tokens.ada, topics: all, happens })).toEqual([lost(...topics)]);
});

test("another caller, with an offset that is not its own", async () => {
  const happens = (): Promise<unknown> => write("rt_owner", { title: "hers", owner: IDS.ada });
  const topics = ["rt_owner/*"];
  for (const token of [tokens.ben, undefined])
    expect(await comeBack({ token: tokens.ada, topics, happens, returns: { token } })).toEqual([
      lost(...topics),
    ]);
});

test("a WebSocket client says where it left off for each topic, and gets what it missed before the answer", async () => {
  const topics = ["rt_owner/*", "rt_public/*", "rt_asked/*"];
  const first = await openSocket(pair.url, { token: tokens.ada });
  const { offset } = await first.ask({ type: "subscribe", topics });
  await write("rt_owner", { title: "one", owner: IDS.ada });
  const heard = await first.frame(({ type }) => type === "event");
  first[Symbol.dispose]();
  using witness = await listen(pair.url, { token: tokens.ada, topics: ["rt_owner/*"] });
  await write("rt_public", { title: "two" });
  await write("rt_owner", { title: "three", owner: IDS.ada });
  await witness.contains("three");
  using second = await openSocket(pair.url, { token: tokens.ada });
  const since = { "rt_owner/*": heard["offset"], "rt_public/*": offset, "rt_asked/*": "none" };
  const answer = await second.ask({ type: "subscribe", topics, since });
  expect(answer["recovered"]).toEqual({ "rt_owner/*": true, "rt_public/*": true, "rt_asked/*": false });
  expect(JSON.stringify(second.events())).toMatch(/"two".*"three"/);
  expect(second.events()).toHaveLength(2);
  // What is subscribed already is not told again.
  const again = await second.ask({ type: "subscribe", topics: ["rt_owner/*"], since });
  expect(again["recovered"]).toBeUndefined();
  expect(second.events()).toHaveLength(2);
  expect(await second.ask({ type: "subscribe", topics, since: [1] })).toMatchObject({
    code: "frame_invalid",
  });
});

test("what only an ended session had subscribed goes with it; another one of its user has the rest", async () => {
  const token = await login(pair.url, ADA);
  const returns = { token: await login(pair.url, ADA) };
  const happens = async (): Promise<void> => {
    await write("rt_owner", { title: "hers", owner: IDS.ada });
    expect(await logout(pair.url, token)).toBe(204);
  };
  const own = "rt_owner"; // its events are those of rt_owner/*
  expect(await comeBack({ token, topics: [own], happens, returns })).toEqual([lost(own)]);
  using _other = await listen(pair.url, { ...returns, topics: ["rt_owner/*"] });
  const again = { token: await login(pair.url, ADA), topics: ["rt_owner/*"], returns };
  const rest = (): Promise<unknown> => write("rt_owner", { title: "hers", owner: IDS.ada });
  expect(await comeBack({ ...again, happens: rest })).toEqual([WHOLE, "hers"]);
});

test(
  "a restart of Hapta, and one of PocketBase",
  async () => {
    await using pb = await startPocketBase();
    const hapta = await startHapta(pb);
    const first = await listen(hapta.url, { topics: ["notices/*"] });
    await call(hapta.url, { path: recordsOf("notices"), json: { title: "one" } });
    await first.contains("one");
    const since = idsOf(first).places.at(-1);
    const stayed = await listen(hapta.url, { topics: ["notices/*"] });
    await pb[Symbol.asyncDispose]();
    await using _again = await startPocketBase({ port: pb.port });
    await eventually(() => stayed.text().split("PB_CONNECT").length === 3, 15_000);
    const report = async (url: string): Promise<string> => {
      using second = await listen(url, { topics: ["notices/*"], since });
      await second.contains("HAPTA_RECOVERY");
      expect(eventsOf(second)).toEqual([]);
      return second.text();
    };
    expect(await report(hapta.url)).toContain(lost("notices/*"));
    await hapta[Symbol.asyncDispose]();
    await using next = await startHapta({ url: pb.url });
    expect(await report(next.url)).toContain(lost("notices/*"));
  },
  START_MS,
);
