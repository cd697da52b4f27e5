// Channels without a wire: who is told what, who may enter, what is bounded, and that nothing is left behind.
import { afterEach, describe, expect, test } from "bun:test";
import { eventually } from "../../tests/support/eventually.ts";
import { Refusal } from "../errors.ts";
import { Allowance } from "./allowance.ts";
import type { ChannelRule } from "./channelRules.ts";
import { Channels, type Visitor } from "./channels.ts";
import { Subscriber } from "./subscriber.ts";

const BOUNDS = { membersMax: 3, messageBytesMax: 100, messagesPerSecondMax: 5 };
const RULES: readonly ChannelRule[] = [
  { pattern: "lobby", access: { kind: "public" }, ...BOUNDS },
  { pattern: "room/{room}", access: { kind: "auth" }, ...BOUNDS },
  { pattern: "doc/{id}", access: { kind: "record", collection: "posts", parameter: "id" }, ...BOUNDS },
];

const made: Channels[] = [];
afterEach(() => {
  for (const channels of made.splice(0)) channels.close();
});
const createChannels = (recheckMs?: number): Channels => {
  const channels = new Channels(RULES, recheckMs);
  made.push(channels);
  return channels;
};

let count = 0;
const visit = (name: string, may: Visitor["mayEnter"] = () => true) => {
  const heard: Record<string, unknown>[] = [];
  const subscriber = new Subscriber(
    { id: `client${count++}`, address: "192.0.2.1", since: undefined },
    { bufferBytesMax: 1_000, onOver: () => undefined },
  );
  subscriber.attach({
    message: ({ data }) => {
      heard.push(JSON.parse(data) as Record<string, unknown>);
      return true;
    },
    beat: () => true,
    gap: () => true,
    joined: () => true,
    place: () => true,
    leave: () => undefined,
    close: () => undefined,
  });
  const visitor: Visitor = { subscriber, mayEnter: may, user: () => ({ collectionId: "c1", id: name }) };
  /** Types and names of what it was told, then nothing. */
  const news = (): string[] =>
    heard.splice(0).map((frame) => {
      const member = frame["member"] as { data?: unknown } | string | undefined;
      const who = typeof member === "object" ? member.data : frame["data"];
      return [frame["type"], frame["channel"], who].filter((part) => part !== undefined).join(" ");
    });
  return { subscriber, visitor, heard, news };
};

const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return "done";
  } catch (error) {
    return error instanceof Refusal ? error.code : String(error);
  }
};

describe("Channels", () => {
  test("members hear who comes, what is said and who goes; others hear nothing", async () => {
    const channels = createChannels();
    const [ada, ben, eve] = [visit("ada"), visit("ben"), visit("eve")];
    await channels.join(ada.visitor, "room/1", "A");
    await channels.join(ben.visitor, "room/1", "B");
    await channels.join(eve.visitor, "room/2", "E");
    expect(ben.heard[0]).toMatchObject({
      type: "joined",
      members: [
        { user: { collectionId: "c1", id: "ada" }, data: "A" },
        { user: { collectionId: "c1", id: "ben" }, data: "B" },
      ],
    });
    channels.say(ada.subscriber, "room/1", "hello");
    channels.leave(ada.subscriber, "room/1");
    expect(ada.news()).toEqual(["joined room/1", "join room/1 B"]);
    expect(ben.news()).toEqual(["joined room/1", "message room/1 hello", "leave room/1"]);
    expect(eve.news()).toEqual(["joined room/2"]);
    expect(await codeOf(() => channels.say(ada.subscriber, "room/1", "x"))).toBe("channel_denied");
    expect(await codeOf(() => channels.say(ada.subscriber, "room/2", "x"))).toBe("channel_denied");
    expect([ben.news(), eve.news()]).toEqual([[], []]);
  });

  test("members are known by an id made for the channel, and by their record only where everybody has one", async () => {
    const channels = createChannels();
    const ada = visit("ada");
    await channels.join(ada.visitor, "lobby", undefined);
    await channels.join(ada.visitor, "room/1", undefined);
    const [lobby, room] = ada.heard.map(({ members }) => (members as Record<string, unknown>[])[0] ?? {});
    expect(Object.keys(lobby ?? {})).toEqual(["id"]);
    expect(Object.keys(room ?? {})).toEqual(["id", "user"]);
    expect(lobby?.["id"]).not.toBe(room?.["id"]);
    expect(JSON.stringify(ada.heard)).not.toContain(ada.subscriber.id);
  });

  test("who may not enter, or nobody can say it of, does not", async () => {
    const channels = createChannels();
    const enter = (may: boolean | undefined, name: string) =>
      codeOf(() => channels.join(visit("x", async () => may).visitor, name, undefined));
    expect(await enter(false, "room/1")).toBe("channel_denied");
    expect(await enter(undefined, "doc/1")).toBe("upstream_unreachable");
    expect(await enter(true, "elsewhere")).toBe("channel_denied");
    expect(channels.size).toBe(0);
  });

  test("who goes while it is asked about is not let in", async () => {
    const channels = createChannels();
    const answer = Promise.withResolvers<boolean>();
    const ada = visit("ada", () => answer.promise);
    const joining = channels.join(ada.visitor, "doc/1", undefined);
    ada.subscriber.over();
    answer.resolve(true);
    await joining;
    expect(channels.size).toBe(0);
  });

  test("members, bytes, messages and channels of one client are bounded", async () => {
    const channels = createChannels();
    const all = Array.from({ length: 4 }, (_, i) => visit(`m${i}`));
    const outcomes: string[] = [];
    for (const { visitor } of all)
      outcomes.push(await codeOf(() => channels.join(visitor, "lobby", undefined)));
    expect(outcomes).toEqual(["done", "done", "done", "channel_full"]);
    const [one] = all;
    if (one === undefined) throw new Error("nobody");
    const long = "x".repeat(99);
    expect(await codeOf(() => channels.join(one.visitor, "lobby", long))).toBe("body_too_large");
    expect(await codeOf(() => channels.say(one.subscriber, "lobby", long))).toBe("body_too_large");
    const said: string[] = [];
    for (let i = 0; i < 12; i++) said.push(await codeOf(() => channels.say(one.subscriber, "lobby", i)));
    expect(said.slice(0, 10)).toEqual(Array<string>(10).fill("done"));
    expect(said.at(-1)).toBe("rate_limited");
    for (let i = 0; i < 15; i++) await channels.join(one.visitor, `room/${i}`, undefined);
    expect(await codeOf(() => channels.join(one.visitor, "room/16", undefined))).toBe("channel_full");
    // Who is in already takes no further place.
    expect(await codeOf(() => channels.join(one.visitor, "room/1", undefined))).toBe("done");
  });

  test("who leaves all leaves nothing behind", async () => {
    const channels = createChannels();
    const [ada, ben] = [visit("ada"), visit("ben")];
    for (const name of ["lobby", "room/1"]) await channels.join(ada.visitor, name, undefined);
    await channels.join(ben.visitor, "lobby", undefined);
    channels.leaveAll(ada.subscriber);
    channels.leaveAll(ada.subscriber);
    expect(ben.news()).toEqual(["joined lobby", "leave lobby"]);
    expect(ada.news().slice(-2)).toEqual(["left lobby", "left room/1"]);
    channels.leaveAll(ben.subscriber);
    expect(channels.size).toBe(0);
  });

  test("who may no longer see the record is put out; a doubt changes nothing", async () => {
    const channels = createChannels(20);
    const answers: Record<string, boolean | undefined> = { ada: true, ben: true };
    const [ada, ben] = ["ada", "ben"].map((name) => visit(name, async () => answers[name]));
    if (ada === undefined || ben === undefined) throw new Error("nobody");
    await channels.join(ada.visitor, "doc/1", undefined);
    await channels.join(ben.visitor, "doc/1", undefined);
    answers["ada"] = undefined;
    answers["ben"] = false;
    await eventually(() => ada.heard.some(({ type }) => type === "leave"), 2_000);
    expect(ben.heard.at(-1)).toEqual({ type: "left", channel: "doc/1", code: "channel_denied" });
    expect(await codeOf(() => channels.say(ben.subscriber, "doc/1", "x"))).toBe("channel_denied");
    expect(await codeOf(() => channels.say(ada.subscriber, "doc/1", "x"))).toBe("done");
  });
});

test("an allowance gives so many a second, and twice as many at once", () => {
  const allowance = new Allowance(10);
  const take = (nowMs: number): number => {
    let taken = 0;
    while (allowance.take(nowMs)) taken++;
    return taken;
  };
  expect([take(0), take(0), take(500), take(60_000)]).toEqual([20, 0, 5, 20]);
});
