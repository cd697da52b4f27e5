// Clients that come back: they get what they missed, each event once and in order, or word that it is lost.
import { afterEach, describe, expect, test } from "bun:test";
import { eventually } from "../../tests/support/eventually.ts";
import {
  type Client,
  closeHubs,
  comeBack,
  connect,
  createHub,
  NO_HISTORY,
  startUpstream,
  user,
} from "../../tests/support/hubs.ts";
import type { Hub, HubOptions } from "./hub.ts";

afterEach(closeHubs);

const ADA = user("ada");
const LOST = 'recovered [["a/*",false]]';
const WHOLE = 'recovered [["a/*",true]]';

/** A client of Ada's on `a/*` that heard 1 and went away. */
const startGone = async (options: Partial<HubOptions> = {}) => {
  const upstream = startUpstream();
  const hub = createHub(upstream.open, options);
  const first = connect(hub);
  await first.subscribe(["a/*"], ADA);
  upstream.tell("a/*", "1");
  first.subscriber.end("stopping");
  return { upstream, hub, since: first.offset };
};

const back = async (hub: Hub, since: string | undefined, subject = ADA): Promise<Client> => {
  const client = comeBack(hub, since);
  await client.subscribe(["a/*"], subject);
  return client;
};

describe("a client that comes back", () => {
  test("hears what it missed, in order, before what is new", async () => {
    const { upstream, hub, since } = await startGone();
    for (const data of ["2", "3"]) upstream.tell("a/*", data);
    const client = await back(hub, since);
    upstream.tell("a/*", "4");
    expect(client.heard).toEqual([WHOLE, "a/* 2", "a/* 3", "a/* 4"]);
    // Nobody else is concerned.
    expect(hub.upstreams).toBe(1);
    expect((await back(hub, client.offset)).heard).toEqual([WHOLE]);
  });

  test("has a place before its first event", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open);
    const first = connect(hub);
    await first.subscribe(["a/*"], ADA);
    first.subscriber.end("stopping");
    upstream.tell("a/*", "1");
    expect((await back(hub, first.offset)).heard).toEqual([WHOLE, "a/* 1"]);
  });

  test("says where it left off once: a change of topics repeats nothing", async () => {
    const { upstream, hub, since } = await startGone();
    upstream.tell("a/*", "2");
    const client = await back(hub, since);
    await client.subscribe(["a/*", "b/*"], ADA);
    expect(client.heard).toEqual([WHOLE, "a/* 2"]);
  });

  test("may say so for each topic", async () => {
    const { upstream, hub, since } = await startGone();
    upstream.tell("a/*", "2");
    const client = connect(hub);
    const wish = {
      clientId: client.subscriber.id,
      topics: ["a/*", "b/*"],
      subject: ADA,
      address: "192.0.2.1",
    };
    const sinceOf = (topic: string): string | undefined => (topic === "a/*" ? since : undefined);
    expect(await hub.subscribe({ ...wish, sinceOf })).toBe("done");
    expect(client.heard).toEqual([WHOLE, "a/* 2"]);
  });

  test("an event that is on its way to many is told once to who comes back meanwhile", async () => {
    const { upstream, hub, since } = await startGone({ clientsMax: 3_000 });
    for (let n = 0; n < 2_000; n++) await connect(hub, "192.0.2.1", 0.01).subscribe(["a/*"], ADA);
    upstream.tell("a/*", "2");
    const client = await back(hub, since);
    await Bun.sleep(60);
    upstream.tell("a/*", "3");
    await eventually(() => client.heard.includes("a/* 3"), 2_000);
    expect(client.heard).toEqual([WHOLE, "a/* 2", "a/* 3"]);
  });

  test("loses and repeats nothing in 1,000 returns, at any moment, with renewals upstream", async () => {
    const upstream = startUpstream();
    const hub = createHub(upstream.open, { times: { ageMsMax: 30 } });
    const heard: string[] = [];
    let [since, told]: [string | undefined, number] = [undefined, 0];
    const tell = (): void => upstream.tell("a/*", `${++told}`);
    for (let n = 0; n < 1_000; n++) {
      const client = comeBack(hub, since);
      const subscribed = client.subscribe(["a/*"], ADA);
      // Before, while and after it is subscribed; not before the first time.
      if (n > 0 && n % 3 === 0) tell();
      await subscribed;
      for (let i = n % 4; i > 0; i--) tell();
      if (n % 50 === 0) await Bun.sleep(2);
      since = client.offset;
      client.subscriber.end("stopping");
      if (n % 2 === 0) tell();
      heard.push(...client.heard.filter((text) => text.startsWith("a/*")));
    }
    const last = await back(hub, since);
    heard.push(...last.heard.filter((text) => text.startsWith("a/*")));
    expect(heard.join()).toBe(Array.from({ length: told }, (_, n) => `a/* ${n + 1}`).join());
    expect(upstream.streams.length).toBeGreaterThan(1);
  });
});

describe("what is lost is said to be lost", () => {
  test.each([["nonsense"], ["00000000-1"], [""], ["../../a-1"]])(
    "an offset that is none of ours: %p",
    async (since) => {
      const { upstream, hub } = await startGone();
      upstream.tell("a/*", "2");
      const client = await back(hub, since);
      upstream.tell("a/*", "3");
      expect(client.heard).toEqual([LOST, "a/* 3"]);
    },
  );

  test("an offset of the future, and those of another caller", async () => {
    const { upstream, hub, since = "" } = await startGone();
    upstream.tell("a/*", "2");
    expect((await back(hub, since.replace(/\d+$/, "999"))).heard).toEqual([LOST]);
    expect((await back(hub, since, user("ben"))).heard).toEqual([LOST]);
  });

  test("more events than are kept, of one topic and of all", async () => {
    const { upstream, hub, since } = await startGone({
      history: { eventsMax: 2, bytesMax: 2_000, ageMsMax: 60_000 },
    });
    for (const data of ["2", "3"]) upstream.tell("a/*", data);
    expect((await back(hub, since)).heard).toEqual([WHOLE, "a/* 2", "a/* 3"]);
    upstream.tell("a/*", "4");
    expect((await back(hub, since)).heard).toEqual([LOST]);
    const other = await startGone({ history: { eventsMax: 100, bytesMax: 2_000, ageMsMax: 60_000 } });
    for (const data of ["2", "3"]) other.upstream.tell("a/*", data.padEnd(500, "x"));
    expect((await back(other.hub, other.since)).heard).toEqual([LOST]);
  });

  test("more than a client may have waiting", async () => {
    const { upstream, hub, since } = await startGone();
    for (let n = 0; n < 3; n++) upstream.tell("a/*", "x".repeat(400));
    expect((await back(hub, since)).heard).toEqual([LOST]);
  });

  test("events that are too old", async () => {
    const { upstream, hub, since } = await startGone({
      history: { eventsMax: 100, bytesMax: 1_000_000, ageMsMax: 40 },
    });
    await connect(hub).subscribe(["a/*"], ADA);
    upstream.tell("a/*", "2");
    await eventually(async () => (await back(hub, since)).heard.includes(LOST), 2_000);
  });

  test("a gap upstream", async () => {
    const { upstream, hub, since } = await startGone();
    const stayed = connect(hub);
    await stayed.subscribe(["a/*"], ADA);
    upstream.lose();
    await eventually(() => stayed.heard.includes("gap"), 2_000);
    upstream.tell("a/*", "3");
    expect((await back(hub, since)).heard).toEqual([LOST]);
    // From there on all is known again.
    upstream.tell("a/*", "4");
    expect(
      (
        await back(
          hub,
          stayed.offset?.replace(/\d+$/, (n) => `${Number(n) - 1}`),
        )
      ).heard,
    ).toEqual([WHOLE, "a/* 4"]);
  });

  test("a change of what may be seen", async () => {
    const { upstream, hub, since } = await startGone();
    upstream.tell("a/*", "2");
    hub.forgetHistory();
    const client = await back(hub, since);
    expect(client.heard).toEqual([LOST]);
    client.subscriber.end("stopping");
    upstream.tell("a/*", "3");
    expect((await back(hub, client.offset)).heard).toEqual([WHOLE, "a/* 3"]);
  });

  test("an end of a session of the same user, who may have changed a password", async () => {
    const { upstream, hub, since } = await startGone();
    const other = connect(hub);
    await other.subscribe(["a/*"], user("ada", "s2"));
    hub.end({ ids: ["s2"], cid: "c1", uid: "ada" });
    upstream.tell("a/*", "2");
    expect((await back(hub, since)).heard).toEqual([LOST]);
  });

  test("what may not be told again, of that topic only", async () => {
    const asked: unknown[] = [];
    const { upstream, hub } = await startGone({
      mayReplay: ({ topic, messages, subject }) => {
        asked.push([topic, messages.map(({ data }) => data), subject.who]);
        return topic === "b/*";
      },
    });
    const first = connect(hub);
    await first.subscribe(["a/*", "b/*", "c/*"], ADA);
    first.subscriber.end("stopping");
    for (const topic of ["a/*", "b/*"]) upstream.tell(topic, "2");
    const client = comeBack(hub, first.offset);
    await client.subscribe(["a/*", "b/*", "c/*"], ADA);
    expect(client.heard).toEqual(['recovered [["a/*",false],["b/*",true],["c/*",true]]', "b/* 2"]);
    expect(asked).toEqual([
      ["a/*", ["2"], "c1/ada"],
      ["b/*", ["2"], "c1/ada"],
    ]);
  });
});

describe("topics of clients that went away", () => {
  test("stay subscribed as long as events are kept, and go with the session", async () => {
    const { upstream, hub } = await startGone({
      history: { eventsMax: 100, bytesMax: 1_000_000, ageMsMax: 50 },
    });
    expect(hub.upstreams).toBe(1);
    await eventually(() => hub.upstreams === 0, 2_000);
    const { hub: other } = await startGone();
    other.end({ ids: ["session-ada"], cid: "c1", uid: "ada" });
    expect(other.upstreams).toBe(0);
    expect(upstream.streams.every(({ isOpen }) => !isOpen)).toBe(true);
  });

  test("go with a session that runs out", async () => {
    let isLive = true;
    const { hub } = await startGone({
      sessions: { upstreamToken: () => (isLive ? "t" : undefined), isLive: () => isLive },
    });
    expect(hub.upstreams).toBe(1);
    isLive = false;
    await eventually(() => hub.upstreams === 0, 2_000);
  });

  test("give way to users who are here, and are never kept for tokens nobody vouches for", async () => {
    const { hub } = await startGone({ upstreamsMax: 1 });
    const adopted = { key: "token/x", who: "c1/x", session: undefined, credential: "x" };
    const client = connect(hub);
    expect(await client.subscribe(["a/*"], adopted)).toBe("done");
    client.subscriber.end("stopping");
    expect(hub.upstreams).toBe(0);
  });

  test("are renewed as whoever left them, never as a guest", async () => {
    let token: string | undefined = "mine";
    const { upstream, hub } = await startGone({
      sessions: { upstreamToken: () => token, isLive: () => true },
    });
    upstream.lose();
    await eventually(() => upstream.streams.at(-1)?.credential === "mine", 2_000);
    token = undefined;
    const count = upstream.streams.length;
    upstream.lose();
    await eventually(() => upstream.streams.length > count, 2_000);
    await Bun.sleep(20);
    expect(upstream.streams.slice(count).map(({ topics }) => topics)).toEqual(
      upstream.streams.slice(count).map(() => []),
    );
    expect(hub.upstreams).toBe(1);
  });

  test("are not kept without a history", async () => {
    const { upstream, hub, since } = await startGone({ history: NO_HISTORY });
    expect(hub.upstreams).toBe(0);
    upstream.tell("a/*", "2");
    expect((await back(hub, since)).heard).toEqual([LOST]);
  });
});
