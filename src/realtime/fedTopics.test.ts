// Topics that Hapta decides by itself, before a feed that the test plays: nobody hears anything that is not certain.
import { afterEach, expect, test } from "bun:test";
import { eventually } from "../../tests/support/eventually.ts";
import { type Client, closeHubs, connect, createHub, startUpstream, user } from "../../tests/support/hubs.ts";
import type { FeedEvent } from "../pocketbase/feedEvent.ts";
import type { FeedState } from "../pocketbase/feedOptions.ts";
import { FedTopics } from "./fedTopics.ts";
import type { Rule } from "./verdicts.ts";

afterEach(closeHubs);

/** `owner` may see, and of strangers nobody; `"?"` is for PocketBase to say. */
const ownerRule = (): Rule => ({
  collectionId: "c_posts",
  holds: ({ owner }, callerId) => (owner === "?" ? undefined : owner === callerId),
  idsIn: ({ owner }) => [String(owner)],
  shown: (text) => text.replace(',"secret":1', ""),
});
const publicRule = (): Rule => ({ ...ownerRule(), holds: () => true, idsIn: () => [] });

/** Plays the feed, the schema and PocketBase's word on sessions. */
const startFeed = () => {
  const listeners = {
    event: (_: FeedEvent): void => undefined,
    gap: (): void => undefined,
    change: (): void => undefined,
  };
  const state = {
    rule: ownerRule() as Rule | undefined,
    feed: "healthy" as FeedState,
    isAlive: true,
    asked: 0,
    /** What records are now, when it is not what was told. */
    current: new Map<string, Readonly<Record<string, unknown>>>() as
      | ReadonlyMap<string, Readonly<Record<string, unknown>>>
      | undefined,
    /** Set to hold PocketBase's word on the rules back. */
    confirm: (): Promise<boolean> => Promise.resolve(true),
  };
  const stop = (): void => undefined;
  const fed = new FedTopics({
    changes: {
      onEvent: (listener) => {
        listeners.event = (event) => listener(event, false);
        return stop;
      },
      onGap: (listener) => {
        listeners.gap = () => listener("");
        return stop;
      },
      state: () => state.feed,
      covers: () => true,
    },
    collections: {
      confirm: () => state.confirm(),
      onChange: (listener) => {
        listeners.change = listener;
        return stop;
      },
    },
    read: (topic) =>
      state.rule && topic.startsWith("posts/") && !topic.includes("?")
        ? { rule: state.rule, recordId: topic === "posts/*" ? undefined : topic.slice("posts/".length) }
        : undefined,
    // However slow the machine is, what the test tells in one go comes together.
    nowMs: () => 0,
    currentRecords: async () => state.current,
    isAlive: async () => {
      state.asked++;
      return state.isAlive;
    },
  });
  const tell = (owner: string, id = "r1", collectionId = "c_posts"): void => {
    const record = { id, owner, secret: 1 };
    const text = JSON.stringify({ record, action: "update" });
    listeners.event({ collectionId, action: "update", recordId: id, record, text });
  };
  return { fed, state, listeners, tell };
};

const start = async () => {
  const [feed, upstream] = [startFeed(), startUpstream()];
  const hub = createHub(upstream.open, { fed: feed.fed });
  const join = async (name: string, topics = ["posts/*"]): Promise<Client> => {
    const client = connect(hub);
    expect(await client.subscribe(topics, user(name))).toBe("done");
    return client;
  };
  const [ada, ben] = [await join("ada"), await join("ben")];
  return { ...feed, upstream, hub, join, ada, ben };
};

const toldOf = ({ heard }: Client): string[] => heard.map((line) => /"owner":"\w*"/.exec(line)?.[0] ?? line);
/** Waits for an event that comes after all that could have come before. */
const settled = async (
  { tell }: Pick<Awaited<ReturnType<typeof start>>, "tell">,
  client: Client,
  name: string,
) => {
  const before = client.heard.length;
  tell(name, `mark${before}`);
  await eventually(() => client.heard.some((line) => line.includes(`mark${before}`)), 5_000);
};

test("one event of the feed is told to whom the rule names, as it is shown to them, without upstream streams", async () => {
  const world = await start();
  const { ada, ben, upstream, hub, tell, join } = world;
  const one = await join("ada", ["posts/r1", "posts/*"]);
  tell("ada");
  await settled(world, ben, "ben");
  expect(ada.heard).toEqual(['posts/* {"record":{"id":"r1","owner":"ada"},"action":"update"}']);
  expect(one.heard.map((line) => line.split(" ")[0]).sort()).toEqual(["posts/*", "posts/r1"]);
  expect(toldOf(ben)).toEqual(['"owner":"ben"']);
  expect([upstream.streams.length, hub.upstreams]).toEqual([0, 0]);
});

test("what strangers may see is told to all", async () => {
  const world = await start();
  world.state.rule = publicRule();
  const cyd = await world.join("cyd", ["posts/r1"]);
  world.tell("nobody");
  await eventually(() => cyd.heard.length === 1, 5_000);
});

test("nothing is told before PocketBase has confirmed the rules, and a gap when it does not", async () => {
  const { ada, ben, state, tell } = await start();
  const word = Promise.withResolvers<boolean>();
  state.confirm = () => word.promise;
  tell("ada");
  await Bun.sleep(20);
  expect(ada.heard).toEqual([]);
  word.resolve(false);
  await eventually(() => ada.heard.length === 1 && ben.heard.length === 1, 5_000);
  expect([...ada.heard, ...ben.heard]).toEqual(["gap", "gap"]);
});

test("while a rule changes, only what both rules say is told", async () => {
  const { ada, ben, state, listeners, tell } = await start();
  state.confirm = async () => {
    // What PocketBase is asked about turns out to be new.
    if (state.rule?.idsIn({ owner: "" }).length !== 0) {
      state.rule = publicRule();
      listeners.change();
    }
    return true;
  };
  tell("ada");
  await eventually(() => ada.heard.length === 1 && ben.heard.length === 1, 5_000);
  expect([toldOf(ada), ben.heard]).toEqual([['"owner":"ada"'], ["gap"]]);
});

test("changes of one record that come together are told only to whom all of them may be", async () => {
  const { ada, ben, tell } = await start();
  tell("ada");
  tell("ben");
  await eventually(() => ada.heard.length === 2 && ben.heard.length === 2, 5_000);
  expect([...ada.heard, ...ben.heard]).toEqual(["gap", "gap", "gap", "gap"]);
});

test("a change is told only to whom the record may be shown as it is now, and to nobody when that is not known", async () => {
  const { ada, ben, state, tell } = await start();
  state.current = new Map([["r1", { id: "r1", owner: "ben" }]]);
  tell("ada");
  await eventually(() => ada.heard.length === 1 && ben.heard.length === 1, 5_000);
  state.current = undefined;
  tell("ada", "r2");
  await eventually(() => ada.heard.length === 2 && ben.heard.length === 2, 5_000);
  expect([...ada.heard, ...ben.heard]).toEqual(["gap", "gap", "gap", "gap"]);
});

test("what only PocketBase can say of a record is a gap", async () => {
  const { ada, ben, tell } = await start();
  tell("?");
  await eventually(() => ada.heard.length === 1 && ben.heard.length === 1, 5_000);
  expect([...ada.heard, ...ben.heard]).toEqual(["gap", "gap"]);
});

test("after a gap of the feed nobody is told anything before PocketBase says that the login counts", async () => {
  const world = await start();
  const { ada, ben, state, listeners, tell } = world;
  state.feed = "closed";
  listeners.gap();
  expect(ada.heard).toEqual([]);
  state.feed = "healthy";
  state.isAlive = false;
  const { asked } = state;
  listeners.gap();
  tell("ada");
  await eventually(() => state.asked >= asked + 2, 5_000);
  await Bun.sleep(30);
  expect([...ada.heard, ...ben.heard]).toEqual([]);
  state.isAlive = true;
  await eventually(() => ada.heard.length === 1 && ben.heard.length === 1, 10_000);
  expect([...ada.heard, ...ben.heard]).toEqual(["gap", "gap"]);
  await settled(world, ada, "ada");
});

test("a login that PocketBase does not vouch for is not subscribed", async () => {
  const { state, hub } = await start();
  state.isAlive = false;
  const cyd = connect(hub);
  await expect(cyd.subscribe(["posts/*"], user("cyd"))).rejects.toThrow();
});

test("a rule that only PocketBase can decide moves its topics to streams of the callers' own, with a gap", async () => {
  const { ada, ben, state, listeners, upstream, tell } = await start();
  state.rule = undefined;
  listeners.change();
  await eventually(() => ada.heard.length === 1 && ben.heard.length === 1, 5_000);
  expect([...ada.heard, ...ben.heard]).toEqual(["gap", "gap"]);
  expect(upstream.streams.map(({ credential }) => credential).sort()).toEqual([
    "token-of-session-ada",
    "token-of-session-ben",
  ]);
  tell("ada");
  upstream.tell("posts/*", "by PocketBase");
  await eventually(() => ben.heard.length === 2, 5_000);
  expect([ada.heard.at(-1), ben.heard.at(-1)]).toEqual(["posts/* by PocketBase", "posts/* by PocketBase"]);
});

test("topics with options, other topics and guests keep streams of their own", async () => {
  const { hub, join, upstream } = await start();
  await join("ada", ["posts/*?options=x", "others/*"]);
  const guest = connect(hub);
  await guest.subscribe(["posts/*"]);
  expect(upstream.streams.map(({ topics }) => topics)).toEqual([
    ["posts/*?options=x", "others/*"],
    ["posts/*"],
  ]);
});

test("who leaves is told nothing, and keeps nothing of the feed's busy", async () => {
  const { ada, ben, tell, state } = await start();
  ada.subscriber.over();
  ben.subscriber.over();
  state.confirm = () => Promise.reject(new Error("nobody is to ask"));
  // Topics stay for clients that may come back; of another collection nothing is asked.
  tell("ada", "r1", "c_other");
  await Bun.sleep(10);
  expect([...ada.heard, ...ben.heard]).toEqual([]);
});
