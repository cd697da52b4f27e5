// Topics that Hapta decides by itself, before a feed that the test plays: nobody hears anything that is not certain.
import { afterEach, expect, test } from "bun:test";
import { eventually } from "../../tests/support/eventually.ts";
import { ownerRule, publicRule, start, toldOf } from "../../tests/support/feeds.ts";
import { closeHubs, connect, user } from "../../tests/support/hubs.ts";

afterEach(closeHubs);

test("one event of the feed is told to whom the rule names, as it is shown to them, without upstream streams", async () => {
  const world = await start();
  const { ada, ben, upstream, hub, tell, join } = world;
  const one = await join("ada", ["posts/r1", "posts/*"]);
  tell("ada");
  await world.settled(ben, "ben");
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

test("of all that is given up at a time there is one gap", async () => {
  const { ada, state, tell } = await start();
  const word = Promise.withResolvers<boolean>();
  state.confirm = () => word.promise;
  for (let n = 0; n < 50; n++) tell("ada", `r${n}`);
  word.resolve(false);
  // The first is asked about alone.
  await eventually(() => ada.heard.length === 2, 5_000);
  await Bun.sleep(30);
  expect(ada.heard).toEqual(["gap", "gap"]);
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

test("a deletion is told by what the record was, even when there is a new one with its id", async () => {
  const world = await start();
  const { ada, ben, state, listeners } = world;
  state.current = new Map([["r1", { id: "r1", owner: "ben" }]]);
  const record = { id: "r1", owner: "ada", secret: 1 };
  const text = JSON.stringify({ record, action: "delete" });
  listeners.event({ collectionId: "c_posts", action: "delete", recordId: "r1", record, text });
  await eventually(() => ada.heard.length === 1, 5_000);
  expect([toldOf(ada), ben.heard]).toEqual([['"owner":"ada"'], []]);
});

test("what only PocketBase can say of a record is a gap", async () => {
  const { ada, ben, tell } = await start();
  tell("?");
  await eventually(() => ada.heard.length === 1 && ben.heard.length === 1, 5_000);
  expect([...ada.heard, ...ben.heard]).toEqual(["gap", "gap"]);
});

test.each(["update", "delete"] as const)(
  "from an %s of an account on, it is told nothing before PocketBase says that the login counts",
  async (action) => {
    const world = await start();
    const { ada, ben, state, listeners, tell } = world;
    const [record, text] = [{ id: "ada" }, ""];
    for (const isAlive of [true, false]) {
      const word = Promise.withResolvers<boolean>();
      state.isAlive = word.promise;
      listeners.event({ collectionId: "c1", action, recordId: "ada", record, text });
      tell("ada", `r${isAlive}`);
      await world.settled(ben, "ben");
      expect(ada.heard).toHaveLength(isAlive ? 0 : 1);
      word.resolve(isAlive);
      await word.promise;
      await world.settled(ben, "ben");
      expect(toldOf(ada)).toEqual(['"owner":"ada"']);
    }
  },
);

test("when anything about the accounts' collection has changed, PocketBase is asked about each login first", async () => {
  const world = await start();
  const { ada, ben, state, listeners, tell } = world;
  const word = Promise.withResolvers<boolean>();
  state.isAlive = word.promise;
  state.confirm = async () => {
    state.rule = { ...ownerRule(), callers: {} };
    state.confirm = () => Promise.resolve(true);
    listeners.change();
    return true;
  };
  const { asked } = state;
  tell("ada");
  await eventually(() => state.asked === asked + 2, 5_000);
  await Bun.sleep(30);
  expect([...ada.heard, ...ben.heard]).toEqual([]);
  word.resolve(true);
  await world.settled(ada, "ada");
  expect([toldOf(ada)[0], ben.heard]).toEqual(['"owner":"ada"', []]);
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
  await world.settled(ada, "ada");
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

test("whoever finds no stream then is ended, and told so when it comes back", async () => {
  const { ada, ben, hub, state, listeners, upstream } = await start(ownerRule(), {}, { upstreamsMax: 1 });
  state.rule = undefined;
  listeners.change();
  await eventually(() => ada.heard.length === 1 && ben.heard.length === 1, 5_000);
  expect([...ada.heard, ...ben.heard].sort()).toEqual(["close full", "gap"]);
  expect(upstream.streams.length).toBe(1);
  expect(await connect(hub).subscribe(["posts/*"], user("cyd"))).toBe("full");
});

test("a rule that changes while the feed is away moves nothing, and counts when it is back", async () => {
  const { ada, ben, state, listeners, upstream, tell } = await start();
  state.feed = "closed";
  state.covers = false;
  listeners.gap();
  state.rule = publicRule();
  listeners.change();
  state.feed = "healthy";
  state.covers = true;
  listeners.gap();
  await eventually(() => ada.heard.length === 1 && ben.heard.length === 1, 5_000);
  expect([...ada.heard, ...ben.heard, upstream.streams.length]).toEqual(["gap", "gap", 0]);
  // Older events may still come: what both rules say is certain.
  tell("ada");
  await eventually(() => ada.heard.length === 2 && ben.heard.length === 2, 5_000);
  expect([toldOf(ada)[1], ben.heard[1]]).toEqual(['"owner":"ada"', "gap"]);
});

test("topics with options and other topics keep streams of their own", async () => {
  const { join, upstream } = await start();
  await join("ada", ["posts/*?options=x", "others/*"]);
  expect(upstream.streams.map(({ topics }) => topics)).toEqual([["posts/*?options=x", "others/*"]]);
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
