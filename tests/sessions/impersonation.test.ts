// SU5: what a superuser has opened in somebody else's name ends with that superuser.
import { beforeAll, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { call, jsonOf, login, ROOT, START_MS, sharedPair, verify } from "./support.ts";

const pair = sharedPair();
let root: string;

beforeAll(async () => {
  root = await login(pair.url, ROOT);
}, START_MS);

const SUPERUSERS = "/api/collections/_superusers/records";
let made = 0;

/** A superuser who impersonates Ada: both tokens, and the superuser's id. */
const startImpersonation = async (): Promise<{ id: string; own: string; impersonated: string }> => {
  made += 1;
  const email = `second${made}@example.com`;
  const json = { email, password: PASSWORD, passwordConfirm: PASSWORD };
  const created = jsonOf(await call(pair.url, { path: SUPERUSERS, token: root, json }));
  const own = await login(pair.url, { collection: "_superusers", email, password: PASSWORD });
  const path = `/api/collections/members/impersonate/${IDS.ada}`;
  const answer = jsonOf(await call(pair.url, { path, token: own, json: {} }));
  const impersonated = String(answer["token"]);
  expect(await verify(pair.url, impersonated)).toBe(200);
  return { id: String(created["id"]), own, impersonated };
};

test("SU5: a superuser who is deleted through Hapta takes it along before the answer", async () => {
  const { id, own, impersonated } = await startImpersonation();
  const gone = await call(pair.url, { method: "DELETE", path: `${SUPERUSERS}/${id}`, token: root });
  expect(gone.status).toBe(204);
  expect([await verify(pair.url, own), await verify(pair.url, impersonated)]).toEqual([401, 401]);
});

test("SU5: so does one who is deleted behind Hapta's back, within 2 s", async () => {
  const { id, impersonated } = await startImpersonation();
  const direct = await login(pair.pb.url, ROOT);
  const gone = await call(pair.pb.url, { method: "DELETE", path: `${SUPERUSERS}/${id}`, token: direct });
  expect(gone.status).toBe(204);
  await eventually(async () => (await verify(pair.url, impersonated)) === 401, 2_000);
});

test("SU5: and one whose sessions an operator ends; others' stay", async () => {
  const [one, other] = [await startImpersonation(), await startImpersonation()];
  const path = `/hapta/sessions?collection=_superusers&user=${one.id}`;
  const ended = await call(pair.url, { method: "DELETE", path, token: root });
  expect(ended.status).toBe(200);
  expect(await verify(pair.url, one.impersonated)).toBe(401);
  expect(await verify(pair.url, other.impersonated)).toBe(200);
});

test("SU5: and what was made with a session that was itself made in another superuser's name", async () => {
  const [thief, other] = [await startImpersonation(), await startImpersonation()];
  const impersonate = async (place: string, token: string): Promise<string> => {
    const path = `/api/collections/${place.replace("/", "/impersonate/")}`;
    return String(jsonOf(await call(pair.url, { path, token, json: {} }))["token"]);
  };
  const asOther = await impersonate(`_superusers/${other.id}`, thief.own);
  const asBen = await impersonate(`members/${IDS.ben}`, asOther);
  expect([await verify(pair.url, asOther), await verify(pair.url, asBen)]).toEqual([200, 200]);
  const path = `/hapta/sessions?collection=_superusers&user=${thief.id}`;
  expect((await call(pair.url, { method: "DELETE", path, token: root })).status).toBe(200);
  expect([await verify(pair.url, asOther), await verify(pair.url, asBen)]).toEqual([401, 401]);
  expect(await verify(pair.url, other.own)).toBe(200);
});

test("SU5: all of them end when an operator ends all superusers' sessions", async () => {
  const [one, other] = [await startImpersonation(), await startImpersonation()];
  const ada = await login(pair.url, { email: "ada@example.com" });
  const path = "/hapta/sessions?collection=_superusers";
  expect((await call(pair.url, { method: "DELETE", path, token: root })).status).toBe(200);
  const dead = [root, one.own, one.impersonated, other.impersonated];
  expect(await Promise.all(dead.map((token) => verify(pair.url, token)))).toEqual([401, 401, 401, 401]);
  expect(await verify(pair.url, ada)).toBe(200);
  root = await login(pair.url, ROOT);
});

/** A new password for a superuser, set by whoever holds `token`. */
const changePassword = async (url: string, id: string, token: string): Promise<void> => {
  const json = { password: `${PASSWORD}2`, passwordConfirm: `${PASSWORD}2` };
  const changed = await call(url, { method: "PATCH", path: `${SUPERUSERS}/${id}`, token, json });
  expect(changed.status).toBe(200);
};

test("SU5: and with a new password of the superuser's, set through Hapta, before the answer", async () => {
  const [one, other] = [await startImpersonation(), await startImpersonation()];
  await changePassword(pair.url, one.id, one.own);
  expect([await verify(pair.url, one.own), await verify(pair.url, one.impersonated)]).toEqual([401, 401]);
  expect(await verify(pair.url, other.impersonated)).toBe(200);
});

test("SU5: or behind Hapta's back", async () => {
  const { id, impersonated } = await startImpersonation();
  await changePassword(pair.pb.url, id, await login(pair.pb.url, ROOT));
  await eventually(async () => (await verify(pair.url, impersonated)) === 401, 10_000);
});

test("SU5: also of a superuser who has logged out, through Hapta and behind its back", async () => {
  const [one, other] = [await startImpersonation(), await startImpersonation()];
  for (const { own } of [one, other])
    expect((await call(pair.url, { path: "/auth/logout", token: own, json: {} })).status).toBe(204);
  await changePassword(pair.url, one.id, root);
  expect([await verify(pair.url, one.impersonated), await verify(pair.url, other.impersonated)]).toEqual([
    401, 200,
  ]);
  await changePassword(pair.pb.url, other.id, await login(pair.pb.url, ROOT));
  await eventually(async () => (await verify(pair.url, other.impersonated)) === 401, 10_000);
});

test("a change that leaves the superuser's session alive leaves it alive, too", async () => {
  const { id, own, impersonated } = await startImpersonation();
  for (const token of [own, root]) {
    const json = { emailVisibility: token === own };
    const changed = await call(pair.url, { method: "PATCH", path: `${SUPERUSERS}/${id}`, token, json });
    expect(changed.status).toBe(200);
    expect([await verify(pair.url, own), await verify(pair.url, impersonated)]).toEqual([200, 200]);
  }
});

test("a superuser who only logs out leaves it alive: it may be a program's key", async () => {
  const { own, impersonated } = await startImpersonation();
  expect((await call(pair.url, { path: "/auth/logout", token: own, json: {} })).status).toBe(204);
  expect([await verify(pair.url, own), await verify(pair.url, impersonated)]).toEqual([401, 200]);
});
