// Refreshes that PocketBase is always asked for: an app's code takes part, something is said that may matter, or nobody
// vouches for what was said last.
import { expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { startHapta } from "../support/hapta.ts";
import { isUnasked, recordIn, sharedRefreshKit } from "./refreshKit.ts";
import { ADA, type Call, jsonOf, login, ROOT, refresh, TEST_MS } from "./support.ts";

const HOOKS = `
onRecordAuthRefreshRequest((e) => {
  e.record.set("count", e.record.getInt("count") + 1);
  e.app.save(e.record);
  e.next();
}, "counting");
onRecordAuthRequest((e) => { e.meta = { said: 1 }; e.next(); }, "adding");
onRecordEnrich((e) => { e.record.withCustomData(true); e.record.set("extra", "x"); e.next(); }, "enriching");
onRecordEnrich((e) => { e.record.set("nick", $security.randomString(9)); e.next(); }, "drawing");
`;

const kit = sharedRefreshKit(HOOKS);

const CODE = {
  counting: "that changes the record at each refresh",
  adding: "that adds to the answer",
  enriching: "that adds to the record",
  drawing: "that shows another record each time",
} as const;

test.each(Object.entries(CODE))("%s: an app's code %s is always asked", async (name) => {
  const member = await kit.createMember({ name });
  const token = await login(kit.url, member);
  expect(await kit.unaskedOf(token, name)).toBe(0);
  if (name !== "counting") return;
  // Six, and one that PocketBase is asked directly. What Hapta itself asks because of these changes runs no such code: it
  // would go on for ever.
  const direct = await refresh(kit.pb.url, await login(kit.pb.url, member), name);
  expect(recordIn(direct)["count"]).toBe(7);
});

const ASKED: readonly (readonly [string, { readonly query?: string } & Partial<Call>])[] = [
  ["a query", { query: "?fields=token,record.id" }],
  ["expand", { query: "?expand=friend" }],
  ["a query that says nothing", { query: "?a=1" }],
  ["a body", { json: { a: 1 } }],
  ["Cache-Control: no-cache", { headers: [["Cache-Control", "no-cache"]] }],
];

test.each(ASKED)("with %s PocketBase is asked", async (_, { query = "", ...how }) => {
  const member = await kit.createMember();
  const token = await kit.settled(member);
  const path = `/api/collections/${member.collection}/auth-refresh${query}`;
  expect(await kit.unaskedOf(token, member.collection, { path, ...how })).toBe(0);
});

test.each(["@request.headers.x_none != 'x'", "friend.name != 'x'", "@now > '2020-01-01 00:00:00.000Z'"])(
  "by the auth rule %j PocketBase is asked",
  async (authRule) => {
    const member = await kit.createMember({ authRule });
    expect(await kit.unaskedOf(await login(kit.url, member), member.collection)).toBe(0);
  },
);

test("for superusers PocketBase is asked", async () => {
  expect(await kit.unaskedOf(await login(kit.url, ROOT), "_superusers")).toBe(0);
});

test("another collection's refresh is PocketBase's to refuse", async () => {
  const member = await kit.createMember();
  const token = await kit.settled(member);
  expect((await refresh(kit.url, token, "members")).status).toBe(403);
  expect(isUnasked(await refresh(kit.url, token, member.collection))).toBe(true);
});

test.each([
  ["Security.Rotation.AskEvery is 0", { Security: { Rotation: { AskEvery: 0 } } }],
  ["the cache is switched off", { Cache: { isEnabled: false } }],
  ["it is switched off for the collection", { Cache: { Collections: { Members: { isEnabled: false } } } }],
  ["the collection changes untold", { Cache: { Collections: { members: { MaxAge: 60 } } } }],
])("when %s, PocketBase is asked each time", async (_, config) => {
  await using own = await startHapta(kit.pb, { config });
  let token = await login(own.url, ADA);
  for (let i = 0; i < 6; i++) {
    const answer = await refresh(own.url, token);
    expect([answer.status, isUnasked(answer)]).toEqual([200, false]);
    token = String(jsonOf(answer)["token"]);
  }
});

// Last: from here on the feed says nothing.
test("a silent feed, and a PocketBase that is down, are noticed; neither ends the session", async () => {
  const member = await kit.createMember();
  let token = await kit.settled(member);
  kit.relay.block();
  await eventually(async () => {
    const answer = await refresh(kit.url, token, member.collection);
    token = String(jsonOf(answer)["token"]);
    return !isUnasked(answer);
  }, TEST_MS);
  expect(await kit.unaskedOf(token, member.collection)).toBe(0);
  await kit.pb.child[Symbol.asyncDispose]();
  expect((await refresh(kit.url, token, member.collection)).status).toBe(502);
});
