// The change feed before a real PocketBase: what it tells, what it survives, and how soon it knows that it is deaf.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { systemClock } from "../../src/pocketbase/clock.ts";
import { createFeed } from "../../src/pocketbase/feed.ts";
import type { FeedEvent } from "../../src/pocketbase/feedEvent.ts";
import type { Feed, FeedOptions } from "../../src/pocketbase/feedOptions.ts";
import { field, type SuperuserClient } from "../../src/pocketbase/superuser.ts";
import { eventually } from "../support/eventually.ts";
import { startOwnClock } from "../support/ownTime.ts";
import { startStallingProxy } from "./stallingProxy.ts";
import { clientAt, type Instance, keepLines, startInstance, startProxy } from "./support.ts";

let instance: Instance;
beforeAll(async () => {
  instance = await startInstance();
  await prepare(instance.client);
});
afterAll(() => instance[Symbol.asyncDispose]());

const PARENTS = "pbc_parents0001";
const CHILDREN = "pbc_children001";

/** @param line - Method and path. */
const ask = async (client: SuperuserClient, line: string, body?: unknown): Promise<unknown> => {
  const [method = "", path = ""] = line.split(" ");
  const { status, json } = await client.request(method, path, body);
  if (status >= 300) throw new Error(`${line}: ${status} ${JSON.stringify(json)}`);
  return json;
};
const prepare = async (client: SuperuserClient): Promise<void> => {
  await ask(client, "PATCH /api/settings", { batch: { enabled: true } });
  const name = { name: "name", type: "text", max: 100_000 };
  await ask(client, "POST /api/collections", {
    id: PARENTS,
    name: "parents",
    type: "base",
    // With the date, a copy is known however late it comes (feedOverlap.test.ts).
    fields: [
      name,
      { name: "hush", type: "text", hidden: true },
      { name: "created", type: "autodate", onCreate: true },
    ],
  });
  const parent = {
    name: "parent",
    type: "relation",
    collectionId: PARENTS,
    maxSelect: 1,
    cascadeDelete: true,
  };
  await ask(client, "POST /api/collections", {
    id: CHILDREN,
    name: "children",
    type: "base",
    fields: [name, parent],
  });
};
const create = async (client: SuperuserClient, collection: string, body: unknown): Promise<string> =>
  field(await ask(client, `POST /api/collections/${collection}/records`, body), "id") as string;

interface Listened extends Disposable {
  readonly feed: Feed;
  readonly events: FeedEvent[];
  readonly gaps: string[];
  readonly lines: readonly string[];
  /** Whether such an event came, and how. */
  has(action: FeedEvent["action"], recordId: string): boolean;
}

/** A feed that is connected, with all that it says. */
const listen = async (client: SuperuserClient, more: Partial<FeedOptions> = {}): Promise<Listened> => {
  const { lines, log } = keepLines();
  const feed = createFeed({ client, log, collections: () => [PARENTS, CHILDREN], ...more });
  const events: FeedEvent[] = [];
  const gaps: string[] = [];
  feed.onEvent((event, isCopy) => {
    if (!isCopy) events.push(event);
  });
  feed.onGap((reason) => gaps.push(reason));
  await eventually(() => feed.state() === "healthy", 10_000);
  expect(gaps).toHaveLength(1);
  return {
    feed,
    events,
    gaps,
    lines,
    has: (action, recordId) => events.some((event) => event.action === action && event.recordId === recordId),
    [Symbol.dispose]: () => feed.close(),
  };
};

/** How often the feed has gone over to a new stream. */
const rounds = ({ lines }: Listened): number => lines.filter((line) => line.includes("went over")).length;

/** Milliseconds until `isSo`, of the time that this process, and so the feed in it, had. */
const took = async (isSo: () => boolean, deadlineMs: number): Promise<number> => {
  using clock = startOwnClock();
  await eventually(isSo, deadlineMs);
  return clock.ms();
};
const pidOf = ({ pb }: Instance): number => {
  const pid = pb.pid();
  if (pid === undefined) throw new Error("PocketBase is not running");
  return pid;
};

const check = async (client: SuperuserClient): Promise<void> => {
  using told = await listen(client);
  const parent = await create(client, "parents", { name: "p", hush: "secret" });
  const child = await create(client, "children", { name: "c", parent });
  await ask(client, `PATCH /api/collections/parents/records/${parent}`, { name: "q" });
  await eventually(() => told.has("create", child) && told.has("update", parent), 3_000);
  const found = told.events.find(({ action }) => action === "update");
  expect(found).toMatchObject({ collectionId: PARENTS, recordId: parent, record: { name: "q" } });
  await ask(client, `DELETE /api/collections/parents/records/${parent}`);
  await eventually(() => told.has("delete", parent) && told.has("delete", child), 3_000);
  const requests = ["b1", "b2", "b3"].map((name) => ({
    method: "POST",
    url: "/api/collections/parents/records",
    body: { name },
  }));
  await ask(client, "POST /api/batch", { requests });
  const names = (): unknown[] => told.events.map(({ record }) => record["name"]);
  await eventually(() => ["b1", "b2", "b3"].every((name) => names().includes(name)), 3_000);
  expect(told.gaps).toHaveLength(1);
  expect(told.feed.covers(PARENTS) && !told.feed.covers("pbc_other")).toBe(true);
};

test("the feed tells creates, updates, deletes, cascades and batches", () => check(instance.client));

test.each(["0.36", "0.40"] as const)(
  "the feed and its proofs work with PocketBase %s",
  async (version) => {
    await using other = await startInstance(version);
    await prepare(other.client);
    await check(other.client);
    using told = await listen(other.client, { times: { ageMsMax: 50 } });
    await eventually(() => rounds(told) > 3, 5_000);
    expect(told.gaps).toHaveLength(1);
    expect(told.lines.join()).not.toContain("does not let");
  },
  120_000,
);

test("the feed tells 400 writes and more, each once, while it goes over to ten new streams", async () => {
  const { client } = instance;
  using told = await listen(client, { times: { ageMsMax: 20, probeEveryMs: 10, lingerMs: 1_000 } });
  const ids: string[] = [];
  const write = async (): Promise<void> => {
    while ((ids.length < 400 || rounds(told) < 10) && ids.length < 20_000)
      ids.push(await create(client, "parents", { name: "w" }));
  };
  await Promise.all([write(), write(), write(), write()]);
  await eventually(() => ids.every((id) => told.has("create", id)), 5_000);
  expect(rounds(told)).toBeGreaterThanOrEqual(10);
  expect(told.gaps).toHaveLength(1);
  expect(told.events.filter(({ action }) => action === "create")).toHaveLength(ids.length);
}, 120_000);

test("the feed renews an idle stream before PocketBase ends it, without a gap", async () => {
  using told = await listen(instance.client, { times: { idleMsMax: 50 } });
  await eventually(() => rounds(told) > 2, 5_000);
  expect(told.gaps).toHaveLength(1);
});

test("a PocketBase that is killed and comes back: a gap at once, then a healthy feed", async () => {
  await using own = await startInstance();
  await prepare(own.client);
  // The cut itself tells, not the question that is asked now and then.
  using told = await listen(own.client, { times: { probeEveryMs: 3_600_000 } });
  process.kill(pidOf(own), "SIGKILL");
  await eventually(() => told.gaps.length === 2, 10_000);
  await eventually(() => told.feed.state() === "healthy", 15_000);
  expect(told.gaps).toHaveLength(3);
  const id = await create(own.client, "parents", { name: "after" });
  await eventually(() => told.has("create", id), 3_000);
}, 120_000);

test("a PocketBase that is frozen puts the feed in doubt within 2 s; thawed, it goes on without a gap", async () => {
  await using own = await startInstance();
  await prepare(own.client);
  using told = await listen(own.client);
  const pid = pidOf(own);
  process.kill(pid, "SIGSTOP");
  try {
    expect(await took(() => told.feed.state() === "doubtful", 4_000)).toBeLessThan(2_500);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await eventually(() => told.feed.state() === "healthy", 5_000);
  const id = await create(own.client, "parents", { name: "thawed" });
  await eventually(() => told.has("create", id), 3_000);
  expect(told.gaps).toHaveLength(1);
}, 120_000);

test("a stream that is open but mute is noticed while everything else works, with the default times", async () => {
  using proxy = await startStallingProxy(instance.pb.url);
  const client = clientAt(proxy.url, instance.pb);
  using told = await listen(client);
  proxy.stall();
  using clock = startOwnClock();
  const lost = await create(instance.client, "parents", { name: "lost" });
  await eventually(() => told.feed.state() === "doubtful", 8_000);
  expect(clock.ms()).toBeLessThan(2_500);
  await eventually(() => told.gaps.length > 1, 8_000);
  expect(clock.ms()).toBeLessThan(7_000);
  await eventually(() => told.feed.state() === "healthy", 3_000);
  const id = await create(instance.client, "parents", { name: "heard" });
  await eventually(() => told.has("create", id), 3_000);
  expect(told.has("create", lost)).toBe(false);
}, 120_000);

test("state is doubtful after a time without asking, and settle waits for the proof that asking brings", async () => {
  let laterMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + laterMs };
  using told = await listen(instance.client, { clock });
  laterMs = 60_000;
  expect(told.feed.state()).toBe("doubtful");
  expect(await told.feed.settle(2_000)).toBe("healthy");
  expect(rounds(told)).toBe(1);
  expect(told.gaps).toHaveLength(1);
});

test("a collection that is renamed keeps its events", async () => {
  const { client } = instance;
  using told = await listen(client);
  await ask(client, `PATCH /api/collections/${PARENTS}`, { name: "elders" });
  const id = await create(client, "elders", { name: "renamed" });
  await eventually(() => told.has("create", id), 3_000);
  await ask(client, `PATCH /api/collections/${PARENTS}`, { name: "parents" });
});

test("resubscribe follows a new set without a gap", async () => {
  const { client } = instance;
  let ids = [PARENTS];
  using told = await listen(client, { collections: () => ids });
  expect(told.feed.covers(CHILDREN)).toBe(false);
  ids = [PARENTS, CHILDREN];
  await told.feed.resubscribe();
  expect(told.feed.covers(CHILDREN)).toBe(true);
  const id = await create(client, "children", { name: "new" });
  await eventually(() => told.has("create", id), 3_000);
  expect(told.gaps).toHaveLength(1);
});

test("a superuser whose tokens are ended makes PocketBase deaf to the stream: a gap, then a new token", async () => {
  await using own = await startInstance();
  await prepare(own.client);
  using told = await listen(own.client);
  const other = clientAt(own.pb.url, own.pb);
  const { email, password } = own.pb.superuser;
  const records = "/api/collections/_superusers/records";
  const found = field(await ask(other, `GET ${records}?filter=(email='${email}')`), "items");
  const [me] = found as { id: string }[];
  const body = { password: password.reveal(), passwordConfirm: password.reveal() };
  await ask(other, `PATCH ${records}/${me?.id}`, body);
  expect(await took(() => told.gaps.length > 1, 4_000)).toBeLessThan(2_000);
  await eventually(() => told.feed.state() === "healthy", 5_000);
  const id = await create(own.client, "parents", { name: "token" });
  await eventually(() => told.has("create", id), 3_000);
}, 120_000);

test("of an event above messageCharsMax the collection is told, and the feed goes on", async () => {
  using told = await listen(instance.client, { messageCharsMax: 4_000 });
  const untold: string[] = [];
  told.feed.onUntold((collectionId) => untold.push(collectionId));
  const long = await create(instance.client, "parents", { name: "x".repeat(50_000) });
  await eventually(() => untold.length > 0, 5_000);
  const short = await create(instance.client, "parents", { name: "short" });
  await eventually(() => told.has("create", short), 5_000);
  // The feed may just be renewing its stream: then two tell it.
  expect([new Set(untold), told.has("create", long)]).toEqual([new Set([PARENTS]), false]);
  expect(told.gaps).toHaveLength(1);
});

test("a PocketBase whose proof route is closed is told of once, and followed all the same", async () => {
  const { pb } = instance;
  const closed = () => new Response("", { status: 404 });
  using proxy = startProxy(pb.url, (_, path) => (path === "/api/oauth2-redirect" ? closed() : undefined));
  using told = await listen(clientAt(proxy.url, pb), { times: { ageMsMax: 50 } });
  await eventually(() => rounds(told) > 2, 5_000);
  expect(told.lines.filter((line) => line.includes("does not let"))).toHaveLength(1);
  expect(told.gaps).toHaveLength(1);
});

test("probes and proofs leave no line in PocketBase's log, and each stream leaves one", async () => {
  await using own = await startInstance();
  await prepare(own.client);
  using told = await listen(own.client, { times: { probeEveryMs: 10, proveEveryMs: 100 } });
  await eventually(() => told.feed.state() !== "closed" && rounds(told) > 4, 10_000);
  const streams = rounds(told) + 1;
  const logged = async (): Promise<string[]> => {
    const items = field(await ask(own.client, "GET /api/logs?perPage=500&skipTotal=1"), "items");
    return (items as { message: string }[]).map(({ message }) => message);
  };
  const subscribed = (lines: string[]): number =>
    lines.filter((line) => line === "POST /api/realtime").length;
  // PocketBase writes its log three seconds after the last line.
  const lines = await eventually(async () => {
    const all = await logged();
    return subscribed(all) >= streams && all;
  }, 15_000);
  expect(lines.filter((line) => /oauth2-redirect|api\/logs|GET \/api\/realtime/.test(line))).toEqual([]);
}, 120_000);
