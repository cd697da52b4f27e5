// Guests whose topics Hapta decides by itself, before a feed that the test plays: all of them at once, without a login that
// could end, and without any question about records that all may see.
import { afterEach, expect, test } from "bun:test";
import { eventually } from "../../tests/support/eventually.ts";
import { ownerRule, publicRule, start, toldOf } from "../../tests/support/feeds.ts";
import { type Client, closeHubs, connect } from "../../tests/support/hubs.ts";
import { GUEST } from "./subject.ts";

afterEach(closeHubs);

const startGuests = async (rule = publicRule()) => {
  const world = await start(rule);
  const join = async (topic = "posts/*"): Promise<Client> => {
    const guest = connect(world.hub);
    expect(await guest.subscribe([topic])).toBe("done");
    return guest;
  };
  const heard = (client: Client, count: number) => eventually(() => client.heard.length >= count, 5_000);
  return { ...world, guests: [await join(), await join()] as const, join, heard };
};

test("all guests are told of one event, as it is shown to them, without upstream streams or a look at the record", async () => {
  const { guests, hub, upstream, state, tell, heard } = await startGuests();
  tell("nobody");
  for (const guest of guests) {
    await heard(guest, 1);
    expect(guest.heard).toEqual(['posts/* {"record":{"id":"r1","owner":"nobody"},"action":"update"}']);
  }
  expect([upstream.streams.length, hub.upstreams, state.reads]).toEqual([0, 0, 0]);
});

test("a rule that names somebody names no guest", async () => {
  const { guests, ada, settled, tell } = await startGuests(ownerRule());
  tell("ada");
  await settled(ada, "ada");
  expect(guests.map(({ heard }) => heard)).toEqual([[], []]);
});

test("topics of one record hear of that one only", async () => {
  const { join, guests, tell, heard } = await startGuests();
  const one = await join("posts/r1");
  tell("x", "r2");
  tell("x", "r1");
  await heard(one, 1);
  await heard(guests[0], 2);
  expect(one.heard).toEqual(['posts/r1 {"record":{"id":"r1","owner":"x"},"action":"update"}']);
});

test("nothing is told before PocketBase has confirmed the rules, and a gap when it does not", async () => {
  const { guests, state, tell, heard } = await startGuests();
  const word = Promise.withResolvers<boolean>();
  state.confirm = () => word.promise;
  tell("nobody");
  await Bun.sleep(20);
  expect(guests[0].heard).toEqual([]);
  word.resolve(false);
  await heard(guests[0], 1);
  expect(guests[0].heard).toEqual(["gap"]);
});

test("a rule that turns out to look at the record, which nobody has read, makes a gap", async () => {
  const { guests, ada, state, listeners, tell, heard } = await startGuests();
  state.confirm = async () => {
    // Both rules would show her the event as it was told, and the record is another one by now.
    state.rule = ownerRule();
    listeners.change();
    state.confirm = () => Promise.resolve(true);
    return true;
  };
  tell("ada");
  await heard(guests[0], 1);
  await heard(ada, 1);
  expect([guests[0].heard, ada.heard, state.reads]).toEqual([["gap"], ["gap"], 0]);
});

test("what the feed missed is a gap, which asks nobody for a login", async () => {
  const { guests, state, listeners, tell, heard } = await startGuests();
  state.isAlive = false;
  state.feed = "closed";
  listeners.gap();
  expect(guests[0].heard).toEqual([]);
  state.feed = "healthy";
  listeners.gap();
  await heard(guests[0], 1);
  tell("later");
  await heard(guests[0], 2);
  expect(toldOf(guests[0])).toEqual(["gap", '"owner":"later"']);
});

test("a rule that only PocketBase can decide moves guests to one stream of their own, with a gap", async () => {
  const { guests, state, listeners, upstream, tell, heard } = await startGuests();
  state.rule = undefined;
  listeners.change();
  for (const guest of guests) await heard(guest, 1);
  const own = upstream.streams.filter(({ credential }) => credential === undefined);
  expect(own.map(({ topics }) => topics)).toEqual([["posts/*"]]);
  tell("by Hapta");
  upstream.tell("posts/*", "by PocketBase");
  for (const guest of guests) await heard(guest, 2);
  expect(guests.map(({ heard: lines }) => lines)).toEqual([
    ["gap", "posts/* by PocketBase"],
    ["gap", "posts/* by PocketBase"],
  ]);
});

test("a token that Hapta knows nothing of makes no guest: its topics are PocketBase's", async () => {
  const { hub, upstream } = await startGuests();
  const adopted = connect(hub);
  await adopted.subscribe(["posts/*"], { ...GUEST, key: "token/1", who: "c1/eve", credential: "her own" });
  expect(upstream.streams.map(({ credential }) => credential)).toEqual(["her own"]);
});
