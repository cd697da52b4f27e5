// UT1 and UT3 by the check before the answer alone: Hapta hears nothing from PocketBase by itself. The feed alone is
// what UT2 in upstreamTruth.test.ts shows: there nobody writes through Hapta.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { type FeedBlocker, startFeedBlocker } from "./feedBlocker.ts";
import { type Account, call, createMember, login, ROOT, START_MS, TEST_MS, verify } from "./support.ts";

setDefaultTimeout(TEST_MS);
let pb: PocketBase;
let relay: FeedBlocker;
let hapta: Hapta;
let root: string;
beforeAll(async () => {
  pb = await startPocketBase();
  relay = await startFeedBlocker(pb.url);
  hapta = await startHapta(relay);
  root = await login(hapta.url, ROOT);
  relay.block();
}, START_MS);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
  await pb[Symbol.asyncDispose]();
}, START_MS);

const CHANGE = { password: "another horse 2", passwordConfirm: "another horse 2" };
const MEMBERS = "/api/collections/members";

type Member = Account & { readonly id: string };
type Ways = Readonly<Record<string, (member: Member, own: string) => Parameters<typeof call>[1]>>;

/** Every kind of write that ends logins at PocketBase. */
const WAYS: Ways = {
  "a password change of one's own": ({ id }, token) => ({
    method: "PATCH",
    path: `${MEMBERS}/records/${id}`,
    token,
    json: { oldPassword: PASSWORD, ...CHANGE },
  }),
  "a superuser's change": ({ id }) => ({
    method: "PATCH",
    path: `${MEMBERS}/records/${id}`,
    token: root,
    json: CHANGE,
  }),
  "a deletion": ({ id }, token) => ({ method: "DELETE", path: `${MEMBERS}/records/${id}`, token }),
  "a batch": ({ id }) => ({
    path: "/api/batch",
    token: root,
    json: { requests: [{ method: "PATCH", url: `${MEMBERS}/records/${id}`, body: CHANGE }] },
  }),
  "a new token secret of the collection": () => ({
    method: "PATCH",
    path: MEMBERS,
    token: root,
    json: { authToken: { secret: crypto.randomUUID().padEnd(40, "s"), duration: 1_000 } },
  }),
};

for (const [name, way] of Object.entries(WAYS)) {
  test(`without the feed: ${name} ends every device before its answer`, async () => {
    const member = await createMember(hapta.url);
    const own = await login(hapta.url, member);
    const tokens = [own, await login(hapta.url, member), await login(hapta.url, member)];
    const answer = await call(hapta.url, way(member, own));
    expect(`${answer.status} ${answer.text.slice(0, 200)}`).toMatch(/^20[04] /);
    expect(await Promise.all(tokens.map((token) => verify(hapta.url, token)))).toEqual([401, 401, 401]);
  });
}

test("without the feed: what happens behind Hapta's back is not heard, so the block holds", async () => {
  const member = await createMember(hapta.url);
  const token = await login(hapta.url, member);
  const before = relay.swallowed();
  const direct = await login(pb.url, ROOT);
  const path = `${MEMBERS}/records/${member.id}`;
  expect((await call(pb.url, { method: "PATCH", path, token: direct, json: CHANGE })).status).toBe(200);
  await eventually(() => relay.swallowed() > before, 5_000);
  expect(await verify(hapta.url, token)).toBe(200);
});
