// UT1, UT3 and UT4 through Hapta: what ends logins at PocketBase ends them here before the writer hears of it, and a
// PocketBase that is down ends none.
import { beforeAll, expect, test } from "bun:test";
import PocketBase from "pocketbase";
import { openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";
import { headOf } from "../support/wireReader.ts";
import {
  ADA,
  call,
  createMember,
  diariesSeen,
  jsonOf,
  login,
  ROOT,
  refresh,
  START_MS,
  sharedPair,
  tryLogin,
  verify,
} from "./support.ts";

const pair = sharedPair();
let bystander: string;

beforeAll(async () => {
  bystander = await login(pair.url, ADA);
}, START_MS);

const NEXT = "another horse 2";
const CHANGE = { password: NEXT, passwordConfirm: NEXT };

const devicesOf = async (account: Parameters<typeof login>[1], count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => login(pair.url, account)));

/** All of them at once, with no time between the acknowledgement and the question. */
const verdicts = async (tokens: readonly string[]): Promise<number[]> =>
  Promise.all(tokens.map((token) => verify(pair.url, token)));

test("UT1: a password change ends every device and its realtime streams before the answer", async () => {
  const member = await createMember(pair.url);
  const [own = "", ...others] = await devicesOf(member, 4);
  using stream = await openEventStream(pair.url);
  const subscribed = await call(pair.url, {
    path: "/api/realtime",
    token: others[0],
    json: { clientId: stream.clientId, subscriptions: ["members/*"] },
  });
  expect(subscribed.status).toBe(204);
  const client = new PocketBase(pair.url);
  client.authStore.save(own, null);
  await client.collection("members").update(member.id, { oldPassword: PASSWORD, ...CHANGE });
  expect(await verdicts([...others, own])).toEqual([401, 401, 401, 401]);
  const read = await call(pair.url, { path: "/api/collections/notices/records?perPage=1", token: others[1] });
  expect(headOf(read, "x-hapta-session")).toBe("revoked");
  expect((await refresh(pair.url, others[2] ?? "")).status).toBe(401);
  await eventually(() => !stream.isOpen(), 1_000);
  expect(await verify(pair.url, await login(pair.url, { ...member, password: NEXT }))).toBe(200);
});

const WRITES = [
  ["the collection's id", "/api/collections/pbc_members0001/records/"],
  ["another case of its name", "/api/collections/MeMbErS/records/"],
  ["an escaped name", "/api/collections/m%65mbers/records/"],
] as const;

test.each(WRITES)("UT1: a superuser's change of a password by %s counts at once", async (_, path) => {
  const member = await createMember(pair.url);
  const tokens = await devicesOf(member, 2);
  const root = await login(pair.url, ROOT);
  const changed = await call(pair.url, {
    method: "PATCH",
    path: path + member.id,
    token: root,
    json: CHANGE,
  });
  expect(`${changed.status} ${changed.text.slice(0, 200)}`).toStartWith("200 ");
  expect(await verdicts(tokens)).toEqual([401, 401]);
  expect(await verdicts([root, bystander])).toEqual([200, 200]);
});

test("UT1: a harmless change ends nothing", async () => {
  const member = await createMember(pair.url);
  const [token = "", other = ""] = await devicesOf(member, 2);
  const path = `/api/collections/members/records/${member.id}`;
  expect((await call(pair.url, { method: "PATCH", path, token, json: { name: "Changed" } })).status).toBe(
    200,
  );
  expect(await verdicts([token, other])).toEqual([200, 200]);
});

const BATCHES = [
  [
    "PATCH",
    (id: string) => ({ method: "PATCH", url: `/api/collections/members/records/${id}`, body: CHANGE }),
  ],
  [
    "PUT",
    (id: string) => ({ method: "PUT", url: "/api/collections/members/records", body: { id, ...CHANGE } }),
  ],
  ["DELETE", (id: string) => ({ method: "DELETE", url: `/api/collections/members/records/${id}` })],
  [
    "PATCH with a query, by id",
    (id: string) => ({
      method: "PATCH",
      url: `/api/collections/pbc_members0001/records/${id}?fields=id`,
      body: CHANGE,
    }),
  ],
] as const;

test.each(BATCHES)("a %s in a batch counts at once", async (_, item) => {
  const member = await createMember(pair.url);
  const tokens = await devicesOf(member, 2);
  const root = await login(pair.url, ROOT);
  const noise = {
    method: "PATCH",
    url: "/api/collections/notices/records/noticebig000001",
    body: { done: true },
  };
  const answer = await call(pair.url, {
    path: "/api/batch",
    token: root,
    json: { requests: [noise, item(member.id)] },
  });
  expect(`${answer.status} ${answer.text.slice(0, 300)}`).toStartWith("200 ");
  expect(await verdicts(tokens)).toEqual([401, 401]);
  expect(await verdicts([bystander])).toEqual([200]);
});

test("a batch sent as a form counts at once", async () => {
  const member = await createMember(pair.url);
  const tokens = await devicesOf(member, 2);
  const root = await login(pair.url, ROOT);
  const form = new FormData();
  const url = `/api/collections/members/records/${member.id}`;
  form.set("@jsonPayload", JSON.stringify({ requests: [{ method: "PATCH", url, body: CHANGE }] }));
  const answer = await fetch(`${pair.url}/api/batch`, {
    method: "POST",
    headers: { Authorization: root },
    body: form,
  });
  expect(`${answer.status} ${await answer.text()}`).toStartWith("200 ");
  expect(await verdicts(tokens)).toEqual([401, 401]);
});

test("UT2: a password that is changed behind Hapta's back ends every device within 2 s", async () => {
  const member = await createMember(pair.url);
  const tokens = await devicesOf(member, 2);
  expect(await verdicts(tokens)).toEqual([200, 200]);
  const direct = new PocketBase(pair.pb.url);
  await direct.collection("_superusers").authWithPassword(SUPERUSER.email, SUPERUSER.password);
  await direct.collection("members").update(member.id, CHANGE);
  await eventually(async () => (await verdicts(tokens)).every((status) => status === 401), 2_000);
  expect(await verdicts([bystander])).toEqual([200]);
});

test("UT3: a deleted record's devices end before the answer", async () => {
  const member = await createMember(pair.url);
  const [own = "", other = ""] = await devicesOf(member, 2);
  const gone = await call(pair.url, {
    method: "DELETE",
    path: `/api/collections/members/records/${member.id}`,
    token: own,
  });
  expect(gone.status).toBe(204);
  expect(await verdicts([own, other])).toEqual([401, 401]);
});

test("UT3: a new auth rule or token secret of the collection ends whoever it ends at PocketBase", async () => {
  const member = await createMember(pair.url);
  const token = await login(pair.url, member);
  const root = await login(pair.url, ROOT);
  const edit = async (json: unknown): Promise<void> => {
    const answer = await call(pair.url, {
      method: "PATCH",
      path: "/api/collections/members",
      token: root,
      json,
    });
    expect(`${answer.status} ${answer.text.slice(0, 200)}`).toStartWith("200 ");
  };
  // PocketBase resets the collection's token secret with it, so this ends them all.
  await edit({ authRule: "role = 'writer'" });
  expect(await verdicts([token, bystander, root])).toEqual([401, 401, 200]);
  await edit({ authRule: "" });
  bystander = await login(pair.url, ADA);
  const secret = "s".repeat(40);
  await edit({ authToken: { secret, duration: 1_000 } });
  expect(await verdicts([bystander, root])).toEqual([401, 200]);
  bystander = await login(pair.url, ADA);
  expect(await verify(pair.url, bystander)).toBe(200);
});

test("UT3: an import of collections counts at once", async () => {
  const member = await createMember(pair.url);
  const token = await login(pair.url, member);
  const root = await login(pair.url, ROOT);
  const collection = jsonOf(await call(pair.url, { path: "/api/collections/members", token: root }));
  const authToken = { secret: "t".repeat(40), duration: 1_000 };
  const answer = await call(pair.url, {
    method: "PUT",
    path: "/api/collections/import",
    token: root,
    json: { collections: [{ ...collection, authToken }], deleteMissing: false },
  });
  expect(`${answer.status} ${answer.text.slice(0, 300)}`).toStartWith("204 ");
  expect(await verdicts([token, root])).toEqual([401, 200]);
});

const FORMS = ["json", "urlencoded", "multipart"] as const;

test.each(FORMS)("UT1: a password reset confirmed by mail counts at once, sent as %s", async (kind) => {
  const member = await createMember(pair.url);
  const tokens = await devicesOf(member, 2);
  const mailed = await fetch(`${pair.pb.url}/custom/reset-token?email=${member.email}`);
  const fields = { token: await mailed.text(), ...CHANGE };
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  const sent = {
    json: { body: JSON.stringify(fields), headers: { "Content-Type": "application/json" } },
    urlencoded: { body: new URLSearchParams(fields) },
    multipart: { body: form },
  }[kind];
  const url = `${pair.url}/api/collections/members/confirm-password-reset`;
  const answer = await fetch(url, { method: "POST", ...sent });
  expect(`${answer.status} ${await answer.text()}`).toStartWith("204 ");
  expect(await verdicts(tokens)).toEqual([401, 401]);
});

test("UT4: PocketBase away ends no session, and says 5xx rather than 401", async () => {
  const first = await startPocketBase();
  await using hapta = await startHapta(first);
  const tokens = [await login(hapta.url, ADA), await login(hapta.url, ADA)];
  first.child.kill("SIGKILL");
  await first.child.exited;
  for (const token of tokens) {
    expect(await verify(hapta.url, token)).toBe(200);
    expect((await refresh(hapta.url, token)).status).toBeGreaterThanOrEqual(502);
    const read = await call(hapta.url, { path: "/api/collections/diaries/records", token });
    expect(read.status).toBeGreaterThanOrEqual(502);
    expect(headOf(read, "x-hapta-session")).toBeUndefined();
  }
  expect((await tryLogin(hapta.url, ADA)).status).toBeGreaterThanOrEqual(502);
  // The same app again: a copy of the same data on the same port.
  await using second = await startPocketBase({ port: first.port });
  expect(second.url).toBe(first.url);
  for (const token of tokens) {
    expect(await eventually(async () => (await diariesSeen(hapta.url, token)) === 1, 5_000)).toBe(true);
    const answer = await refresh(hapta.url, token);
    expect(answer.status).toBe(200);
    expect(await verify(hapta.url, String(jsonOf(answer)["token"]))).toBe(200);
  }
  await first[Symbol.asyncDispose]();
});
