// A change feed, a schema and PocketBase's word that a test plays, before a hub that decides by itself: for unit tests.
import { expect } from "bun:test";
import type { FeedEvent } from "../../src/pocketbase/feedEvent.ts";
import type { FeedState } from "../../src/pocketbase/feedOptions.ts";
import { FedTopics } from "../../src/realtime/fedTopics.ts";
import type { HubOptions } from "../../src/realtime/hub.ts";
import type { Rule } from "../../src/realtime/verdicts.ts";
import { eventually } from "./eventually.ts";
import { type Client, connect, createHub, startUpstream, user } from "./hubs.ts";

const CALLERS = {};

/** `owner` may see, and of strangers nobody; `"?"` is for PocketBase to say. */
export const ownerRule = (): Rule => ({
  collectionId: "c_posts",
  callers: CALLERS,
  readsCaller: false,
  readsRecord: true,
  sight: ({ owner }, caller) => (owner === "?" ? undefined : owner === caller?.id ? "everything" : "nothing"),
  idsIn: ({ owner }) => [String(owner)],
  shown: (text) => text.replace(',"secret":1', ""),
});
/** Everybody may see. */
export const publicRule = (): Rule => ({
  ...ownerRule(),
  readsRecord: false,
  sight: () => "everything",
  idsIn: () => [],
});

/** Writers may see. */
export const writerRule = (): Rule => ({
  ...ownerRule(),
  readsCaller: true,
  readsRecord: false,
  sight: (_, caller) => {
    const role = caller?.record?.["role"];
    return role === undefined ? undefined : role === "writer" ? "everything" : "nothing";
  },
});

/** Plays the feed, the schema and PocketBase's word on sessions. */
const startFeed = () => {
  const listeners = {
    event: (_: FeedEvent): void => undefined,
    untold: (_: string): void => undefined,
    gap: (): void => undefined,
    change: (): void => undefined,
  };
  const state = {
    rule: ownerRule() as Rule | undefined,
    feed: "healthy" as FeedState,
    isAlive: true as boolean | Promise<boolean>,
    mayDecide: true,
    /** Whether the feed follows the collections. */
    covers: true,
    asked: 0,
    /** How often it was asked what records are. */
    reads: 0,
    /** However slow the machine is, what a test tells without moving this comes together. */
    nowMs: 0,
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
      onUntold: (listener) => {
        listeners.untold = listener;
        return stop;
      },
      onGap: (listener) => {
        listeners.gap = () => listener("");
        return stop;
      },
      state: () => state.feed,
      covers: () => state.covers,
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
    nowMs: () => state.nowMs,
    currentRecords: async () => {
      state.reads++;
      return state.current;
    },
    mayDecide: () => state.mayDecide,
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
  /** A change of a caller's record, and what the record is from now on. */
  const tellRole = (name: string, role: string, now = role): void => {
    state.current = new Map(state.current).set(name, { id: name, role: now });
    const record = { id: name, role };
    listeners.event({ collectionId: "c1", action: "update", recordId: name, record, text: "" });
  };
  return { fed, state, listeners, tell, tellRole };
};

/** A hub that decides, with Ada and Ben on `posts/*`. @param current - What records are. */
export const start = async (
  rule = ownerRule(),
  current: Readonly<Record<string, string>> = {},
  options: Partial<HubOptions> = {},
) => {
  const [feed, upstream] = [startFeed(), startUpstream()];
  const { fed, state, tell } = feed;
  state.rule = rule;
  state.current = new Map(Object.entries(current).map(([id, role]) => [id, { id, role }]));
  const hub = createHub(upstream.open, { fed, ...options });
  const join = async (name: string, topics = ["posts/*"]): Promise<Client> => {
    const client = connect(hub);
    expect(await client.subscribe(topics, user(name))).toBe("done");
    return client;
  };
  /** Waits for an event that comes to a client after all that could have come before. */
  const settled = async (client: Client, name: string): Promise<void> => {
    const before = client.heard.length;
    tell(name, `mark${before}`);
    await eventually(() => client.heard.some((line) => line.includes(`mark${before}`)), 5_000);
  };
  const [ada, ben] = [await join("ada"), await join("ben")];
  return { ...feed, upstream, hub, join, settled, ada, ben };
};

/** Whose records a client was told, and what else. */
export const toldOf = ({ heard }: Client): string[] =>
  heard.map((line) => /"owner":"\w*"/.exec(line)?.[0] ?? line);
