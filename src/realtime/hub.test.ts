// The hub against an upstream at its seam: sharing, isolation, bounds, renewal and loss, without a clock of the wall.
import { afterEach, describe, expect, test } from "bun:test";
import { eventually } from "../../tests/support/eventually.ts";
import {
  closeHubs,
  comeBack,
  connect,
  createHub,
  NO_HISTORY,
  startUpstream,
  user,
} from "../../tests/support/hubs.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import { GUEST } from "./subject.ts";

afterEach(closeHubs);

describe("Hub", () => {
  test("clients of one principal share one upstream stream, others have their own", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open);
    const guests = [connect(hub), connect(hub), connect(hub)];
    for (const guest of guests) expect(await guest.subscribe(["posts/*"])).toBe("done");
    const [ada, ben] = [connect(hub), connect(hub)];
    await ada.subscribe(["posts/*"], user("ada"));
    await ben.subscribe(["posts/*"], user("ben"));
    expect(upstream.streams.map(({ credential }) => credential)).toEqual([
      undefined,
      "token-of-session-ada",
      "token-of-session-ben",
    ]);
    upstream.streams[1]?.listener.onMessage("posts/*", "for ada");
    expect(ada.heard).toEqual(["posts/* for ada"]);
    upstream.streams[0]?.listener.onMessage("posts/*", "for all");
    for (const guest of guests) expect(guest.heard).toEqual(["posts/* for all"]);
    expect(ben.heard).toEqual([]);
  });

  test("RE1, RE2: a client belongs to whoever subscribed it", async () => {
    const hub = createHub(startUpstream().open);
    const ada = connect(hub);
    expect(await ada.subscribe(["a/*"], GUEST, "198.51.100.1")).toBe("elsewhere");
    expect(await ada.subscribe(["a/*"], user("ada"))).toBe("done");
    expect(await ada.subscribe(["b/*"], user("ben"))).toBe("foreign");
    expect(await ada.subscribe(["b/*"])).toBe("foreign");
    const forged = { key: "token/x", who: "c1/ada", session: undefined, credential: "forged" };
    expect(await ada.subscribe(["b/*"], forged)).toBe("foreign");
    expect(ada.subscriber.topics).toEqual(["a/*"]);
    // Another session of hers, and another address of the same session's.
    expect(await ada.subscribe(["b/*"], user("ada", "s2"), "198.51.100.7")).toBe("done");
    ada.subscriber.end("stopping");
    expect(await ada.subscribe(["a/*"], user("ada"))).toBe("unknown");
  });

  test("a client that is reset hears nothing more, and may be anybody's", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open);
    const client = connect(hub);
    await client.subscribe(["a/*"], user("ada", "s1"));
    const late = client.subscribe(["a/*", "b/*"], user("ada", "s2"));
    hub.reset(client.subscriber);
    expect(await late).toBe("done");
    upstream.tell("a/*", "1");
    upstream.tell("b/*", "2");
    expect(client.heard).toEqual([]);
    expect([hub.ownedBesides("s1", ""), hub.ownedBesides("s2", ""), hub.upstreams]).toEqual([0, 0, 0]);
    expect(await client.subscribe(["a/*"], user("ben"))).toBe("done");
    upstream.streams.at(-1)?.listener.onMessage("a/*", "for ben");
    expect(client.heard).toEqual(["a/* for ben"]);
  });

  test("RE4: guessed names are unknown, without a question to PocketBase", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open);
    for (let i = 0; i < 10_000; i++) {
      const clientId = `${i}`.padStart(40, "A");
      const wish = { clientId, topics: ["a"], subject: GUEST, address: "x" };
      expect(await hub.subscribe(wish)).toBe("unknown");
    }
    expect(upstream.streams).toEqual([]);
  });

  test("RE6: a slow client is cut at its bound, and delays nobody", async () => {
    const upstream = startUpstream();
    const said: string[] = [];
    const hub = createHub(upstream.open, { log: (_, message) => said.push(message) });
    const [slow, quick] = [connect(hub), connect(hub)];
    for (const client of [slow, quick]) await client.subscribe(["a/*"]);
    slow.isSlow = true;
    for (let i = 0; i < 20; i++) upstream.tell("a/*", `${i}`.padEnd(100, "x"));
    expect(quick.heard.length).toBe(20);
    expect(slow.heard.length).toBe(2);
    expect(slow.heard.at(-1)).toBe("close slow");
    expect(said).toEqual(["a realtime client read too slowly and was cut"]);
    expect(hub.size).toBe(1);
  });

  test("a slow client that is cut while it changes its topics takes nothing from the others", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open, { history: NO_HISTORY });
    // Telling the first one takes longer than a turn: what is for the second one waits.
    const first = connect(hub, "192.0.2.1", 10);
    const slow = connect(hub);
    for (const client of [first, slow]) await client.subscribe(["a/*"]);
    slow.isSlow = true;
    upstream.tell("a/*", "1");
    await eventually(() => slow.heard.length === 1, 5_000);
    upstream.tell("a/*", "x".repeat(2_000));
    expect(await slow.subscribe(["b/*"])).toBe("unknown");
    expect([hub.size, slow.subscriber.isOpen, slow.heard.at(-1)]).toEqual([1, false, "close slow"]);
    upstream.tell("a/*", "2");
    await eventually(() => first.heard.includes("a/* 2"), 5_000);
    first.subscriber.end("stopping");
    expect(hub.upstreams).toBe(0);
  });

  test("a client that goes while it subscribes leaves no stream behind", async () => {
    const hub = createHub(startUpstream().open);
    const client = connect(hub);
    const subscribed = client.subscribe(["a/*", "@oauth2"]);
    client.subscriber.end("stopping");
    expect(await subscribed).toBe("unknown");
    expect([hub.logins.size, hub.upstreams]).toEqual([0, 0]);
  });

  test("a client that catches up gets what waited, in order", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open);
    const client = connect(hub);
    await client.subscribe(["a/*"]);
    client.isSlow = true;
    for (const data of ["1", "2", "3", "4"]) upstream.tell("a/*", data);
    client.subscriber.flow();
    expect(client.heard).toEqual(["a/* 1", "a/* 2"]);
    client.isSlow = false;
    client.subscriber.flow();
    upstream.tell("a/*", "5");
    expect(client.heard).toEqual(["a/* 1", "a/* 2", "a/* 3", "a/* 4", "a/* 5"]);
  });

  test("RE8: the clients of an ended session end, and those of others stay", async () => {
    const hub = createHub(startUpstream().open);
    const [one, two, other] = [connect(hub), connect(hub), connect(hub)];
    await one.subscribe(["a/*"], user("ada", "s1"));
    await two.subscribe(["a/*"], user("ada", "s2"));
    await other.subscribe(["a/*"], user("ben"));
    expect(hub.ownedBesides("s1", "")).toBe(1);
    expect(hub.end({ ids: ["s1"], cid: "c1", uid: "ada" })).toBe(1);
    expect([one.heard, two.heard, other.heard]).toEqual([["close session_over"], [], []]);
    expect(hub.ownedBesides("s1", "")).toBe(0);
    expect(hub.end({ ids: [], cid: "c1", uid: undefined })).toBe(2);
    expect(hub.size).toBe(0);
    await eventually(() => hub.upstreams === 0, 5_000);
  });

  test("the end of those at one address costs nobody else what was kept", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open);
    const [banned, other] = [connect(hub, "192.0.2.7"), connect(hub)];
    for (const client of [banned, other]) await client.subscribe(["a/*"]);
    const { offset } = other;
    upstream.tell("a/*", "1");
    expect(hub.endAt((address) => address === "192.0.2.7")).toBe(1);
    expect([banned.subscriber.isOpen, other.subscriber.isOpen]).toEqual([false, true]);
    const back = comeBack(hub, offset);
    await back.subscribe(["a/*"]);
    expect(back.heard).toContain("a/* 1");
    expect(upstream.streams.length).toBe(1);
  });

  test("a session that has run out ends its clients", async () => {
    let isLive = true;
    const hub = createHub(startUpstream().open, {
      sessions: { upstreamToken: () => undefined, isLive: () => isLive },
    });
    const client = connect(hub);
    await client.subscribe(["a/*"], user("ada"));
    isLive = false;
    await eventually(() => client.heard.includes("close session_over"), 5_000);
  });

  test("RE9, RE11: who never subscribes is let go; who is quiet gets signs of life", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open, { times: { unboundMsMax: 40, beatMs: 30 } });
    const [idle, bound] = [connect(hub), connect(hub)];
    await bound.subscribe(["a/*"]);
    await eventually(() => idle.heard.includes("close unused"), 5_000);
    await eventually(() => bound.heard.filter((text) => text === "beat").length > 2, 5_000);
    expect(hub.size).toBe(1);
  });

  test("a stream that is lost is opened again; its clients stay and hear of the gap", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open);
    const client = connect(hub);
    await client.subscribe(["a/*"], user("ada"));
    upstream.state.isDown = true;
    upstream.lose();
    await Bun.sleep(20);
    upstream.state.isDown = false;
    await eventually(() => client.heard.includes("gap"), 5_000);
    upstream.tell("a/*", "again");
    expect(client.heard).toEqual(["gap", "a/* again"]);
    expect(upstream.streams.at(-1)?.credential).toBe("token-of-session-ada");
  });

  test("a renewed stream loses and repeats nothing", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open, { times: { ageMsMax: 40 } });
    const client = connect(hub);
    await client.subscribe(["a/*"]);
    for (let i = 0; i < 300; i++) {
      // The same words twice are two events.
      upstream.tell("a/*", `{"n":${i >> 1}}`);
      if (i % 10 === 0) await Bun.sleep(3);
    }
    expect(upstream.streams.length).toBeGreaterThan(1);
    expect(client.heard).toEqual(Array.from({ length: 300 }, (_, i) => `a/* {"n":${i >> 1}}`));
  });

  test("what a stream told is known when it has ended and the one in its place tells it late, by the date in it", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open, { times: { ageMsMax: 40, lingerMs: 300 } });
    const client = connect(hub);
    await client.subscribe(["a/*"]);
    const [old] = await eventually(() => {
      const open = upstream.streams.filter(({ isOpen, topics }) => isOpen && topics.length > 0);
      return open.length === 2 && open;
    }, 10_000);
    const dated = '{"action":"update","record":{"id":"r","updated":"2026-01-01 10:00:00.000Z"}}';
    for (const data of [dated, "undated"]) old?.listener.onMessage("a/*", data);
    await eventually(() => old?.isOpen === false, 10_000);
    for (const data of [dated, "undated"]) upstream.streams.at(-1)?.listener.onMessage("a/*", data);
    expect(client.heard).toEqual([`a/* ${dated}`, "a/* undated", "a/* undated"]);
  });

  test("a renewed stream that tells too much to tell copies apart is lost: a gap, then events again", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open, { times: { ageMsMax: 40, lingerMs: 60_000 } });
    const client = connect(hub);
    await client.subscribe(["a/*"]);
    await eventually(() => upstream.streams[1]?.topics.length === 1, 5_000);
    for (let i = 0; i < 30_000 && upstream.streams[1]?.isOpen === true; i++) upstream.tell("a/*", `${i}`);
    expect(upstream.streams.slice(0, 2).map(({ isOpen }) => isOpen)).toEqual([false, false]);
    const told = client.heard.length;
    expect(told).toBeLessThan(30_000);
    await eventually(() => client.heard.length > told, 5_000);
    upstream.tell("a/*", "again");
    expect(client.heard.slice(told)).toEqual(["gap", "a/* again"]);
    expect(new Set(client.heard).size).toBe(client.heard.length);
  });

  test("a subscription waits for its upstream, but not for ever", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open);
    upstream.state.isDown = true;
    const client = connect(hub);
    const failed = await client.subscribe(["a/*"]).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(UpstreamError);
    const later = client.subscribe(["a/*"]);
    upstream.state.isDown = false;
    expect(await later).toBe("done");
  });

  test("a credential that no longer counts fails its own subscription only", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open);
    const [one, two] = [connect(hub), connect(hub)];
    await one.subscribe(["a/*"], user("ada", "s1"));
    const dead = { ...user("ada", "s2"), credential: "dead" };
    const failed = await two.subscribe(["b/*"], dead).catch((error: unknown) => error);
    expect(failed).toMatchObject({ status: 403 });
    upstream.tell("a/*", "still");
    expect(one.heard).toEqual(["a/* still"]);
    expect(upstream.streams.length).toBe(1);
  });

  test("more topics than one upstream stream takes are spread over several", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open, { history: NO_HISTORY });
    const clients = [connect(hub), connect(hub), connect(hub)];
    for (const [n, client] of clients.entries())
      await client.subscribe(Array.from({ length: 700 }, (_, i) => `a/${n}x${i}`));
    expect(upstream.streams.map(({ topics }) => topics.length)).toEqual([999, 999, 102]);
    upstream.tell("a/2x699", "x");
    expect(clients.map(({ heard }) => heard.length)).toEqual([0, 0, 1]);
    for (const { subscriber } of clients) subscriber.end("stopping");
    expect(hub.upstreams).toBe(0);
  });

  test("clients beyond the bound are not taken in", () => {
    const hub = createHub(startUpstream().open, { clientsMax: 2 });
    expect([hub.connect("a"), hub.connect("a"), hub.connect("b")].map(Boolean)).toEqual([true, true, false]);
  });
});
