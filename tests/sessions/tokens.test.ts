// TK1 to TK5 and TK7 over HTTP: what the SDK reads in a token, and what counts as one.
import { beforeAll, expect, test } from "bun:test";
import PocketBase from "pocketbase";
import { SUPERUSER } from "../support/fixture/load.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { headOf } from "../support/wireReader.ts";
import {
  ADA,
  BEN,
  call,
  diariesSeen,
  jsonOf,
  login,
  payloadOf,
  refresh,
  START_MS,
  sharedPair,
  verdictOf,
  verify,
} from "./support.ts";

const pair = sharedPair();
let token: string;

beforeAll(async () => {
  token = await login(pair.url, ADA);
}, START_MS);

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A guest on a read and 401 everywhere a session is needed; never a 500. */
const expectWorthless = async (candidate: string): Promise<void> => {
  const read = await call(pair.url, { path: "/api/collections/diaries/records", token: candidate });
  expect(`${candidate.slice(-40)} ${read.status}`).toBe(`${candidate.slice(-40)} 200`);
  expect(jsonOf(read)["totalItems"]).toBe(0);
  const refreshing = await refresh(pair.url, candidate);
  expect(`${candidate.slice(-40)} ${refreshing.status}`).toBe(`${candidate.slice(-40)} 401`);
  expect(await verify(pair.url, candidate)).toBe(401);
};

test("TK1: the SDK's auth store believes a token and says who it is", async () => {
  const client = new PocketBase(pair.url);
  await client.collection("members").authWithPassword(ADA.email, PASSWORD);
  expect(client.authStore.isValid).toBe(true);
  expect(client.authStore.isSuperuser).toBe(false);
  expect(payloadOf(client.authStore.token)).toMatchObject({
    id: IDS.ada,
    collectionId: "pbc_members0001",
    type: "auth",
    refreshable: true,
    iss: "hapta",
  });
  const cookie = client.authStore.exportToCookie({ secure: false });
  const other = new PocketBase(pair.url);
  other.authStore.loadFromCookie(cookie);
  expect(other.authStore.isValid).toBe(true);
  expect(other.authStore.token).toBe(client.authStore.token);
  expect((await other.collection("diaries").getList()).totalItems).toBe(1);
  const before = client.authStore.token;
  await client.collection("members").authRefresh();
  expect(client.authStore.isValid).toBe(true);
  expect(client.authStore.token).not.toBe(before);
});

test("TK1: a superuser's store says so", async () => {
  const client = new PocketBase(pair.url);
  await client.collection("_superusers").authWithPassword(SUPERUSER.email, SUPERUSER.password);
  expect(client.authStore.isSuperuser).toBe(true);
  expect(client.authStore.isValid).toBe(true);
  expect((await client.settings.getAll())["meta"]).toMatchObject({ appName: "Hapta tests" });
});

test("TK2: PocketBase's own token is a guest's at Hapta, Hapta's is one at PocketBase", async () => {
  const raw = pair.pb.world.tokens.ada;
  expect(await diariesSeen(pair.pb.url, raw)).toBe(1);
  await expectWorthless(raw);
  await expectWorthless(`Bearer ${raw}`);
  expect(await diariesSeen(pair.url, token)).toBe(1);
  expect(await diariesSeen(pair.pb.url, token)).toBe(0);
  expect((await refresh(pair.pb.url, token)).status).toBe(401);
});

test("TK2: a superuser's raw token opens nothing", async () => {
  const raw = pair.pb.world.tokens.superuser;
  expect((await call(pair.pb.url, { path: "/api/settings", token: raw })).status).toBe(200);
  expect((await call(pair.url, { path: "/api/settings", token: raw })).status).toBe(401);
});

test("TK3: other algorithms, other keys and headers that bring a key are worth nothing", async () => {
  const [head = "", payload = "", mac = ""] = token.split(".");
  const header = JSON.parse(Buffer.from(head, "base64url").toString("utf8")) as Record<string, unknown>;
  const headers = [
    { ...header, alg: "none" },
    { ...header, alg: "HS512" },
    { ...header, alg: "RS256" },
    { ...header, jwk: { kty: "oct", k: "AA" } },
    { ...header, crit: ["x"] },
    { ...header, kid: "kunknown" },
    { ...header, kid: "../x" },
    { ...header, kid: ["a"] },
    { ...header, typ: "JWT" },
    [header],
    null,
  ];
  for (const one of headers) await expectWorthless(`${encode(one)}.${payload}.${mac}`);
  await expectWorthless(`${encode({ ...header, alg: "none" })}.${payload}.`);
});

test("TK4: a changed bit, padding and spare bits are worth nothing", async () => {
  const parts = token.split(".");
  const flipped = parts.flatMap((part, at) =>
    [0, Math.floor(part.length / 2), part.length - 1].map((index) => {
      const code = part.charCodeAt(index) ^ 1;
      const changed = part.slice(0, index) + String.fromCharCode(code) + part.slice(index + 1);
      return parts.map((one, i) => (i === at ? changed : one)).join(".");
    }),
  );
  const usable = flipped.filter((one) => /^[\w.-]+$/.test(one) && one !== token);
  expect(usable.length).toBeGreaterThan(4);
  const claims = payloadOf(token);
  const forged = [
    { ...claims, id: IDS.ben },
    { ...claims, exp: 1e308 },
    { ...claims, gen: "1" },
    { ...claims, sid: {} },
  ].map((one) => `${parts[0]}.${encode(one)}.${parts[2]}`);
  for (const one of [...usable, ...forged, `${token}=`, `${parts[0]}.${parts[1]}.`, "a.b.c", "..", "a.b."])
    await expectWorthless(one);
  expect(await diariesSeen(pair.url, token)).toBe(1);
});

const scanPath = (): string => `/api/files/diaries/${IDS.diary}/${pair.pb.world.files.scan}`;

const fileToken = async (auth: string): Promise<string> => {
  const answer = await call(pair.url, { method: "POST", path: "/api/files/token", token: auth });
  expect(answer.status).toBe(200);
  return String(jsonOf(answer)["token"]);
};

test("TK5: file tokens open files and nothing else, auth tokens no files", async () => {
  const mine = await fileToken(token);
  expect(payloadOf(mine)["type"]).toBe("file");
  expect((await call(pair.url, { path: `${scanPath()}?token=${mine}` })).status).toBe(200);
  expect((await call(pair.url, { path: scanPath() })).status).toBe(404);
  expect((await call(pair.url, { path: `${scanPath()}?token=${token}` })).status).toBe(404);
  await expectWorthless(mine);
  const bens = await fileToken(await login(pair.url, BEN));
  expect((await call(pair.url, { path: `${scanPath()}?token=${bens}` })).status).toBe(404);
});

test("TK5: PocketBase's own file token opens nothing, however its name is spelt", async () => {
  const answer = await call(pair.pb.url, {
    method: "POST",
    path: "/api/files/token",
    token: pair.pb.world.tokens.ada,
  });
  const raw = String(jsonOf(answer)["token"]);
  expect((await call(pair.pb.url, { path: `${scanPath()}?token=${raw}` })).status).toBe(200);
  const mine = await fileToken(token);
  for (const query of [
    `token=${raw}`,
    `%74oken=${raw}`,
    `toke%6e=${raw}`,
    `a=1&%74%6F%6B%65%6E=${raw}`,
    `token=x&token=${raw}`,
    `%74oken=${raw}&token=${mine}x`,
    `token=%zz&token=${raw}`,
    `token=${raw}%00`,
    `?token=&token=${raw}`,
    `token&token=${raw}`,
    `token=;&token=${raw}`,
    `&&token=${raw}`,
  ]) {
    const found = await call(pair.url, { path: `${scanPath()}?${query}` });
    expect(`${query.slice(0, 30)} ${found.status}`).toBe(`${query.slice(0, 30)} 404`);
  }
  // Hapta's own works in every one of these spellings.
  expect((await call(pair.url, { path: `${scanPath()}?%74oken=${mine}` })).status).toBe(200);
  expect((await call(pair.url, { path: `${scanPath()}?x=1&token=${mine}&token=y` })).status).toBe(200);
});

test("TK5: a file token is for sessions: guests and ended ones get 401", async () => {
  expect((await call(pair.url, { method: "POST", path: "/api/files/token" })).status).toBe(401);
  const raw = pair.pb.world.tokens.ada;
  expect((await call(pair.url, { method: "POST", path: "/api/files/token", token: raw })).status).toBe(401);
});

test("TK7: one Authorization header, with or without Bearer in any case", async () => {
  for (const written of [token, `Bearer ${token}`, `bearer ${token}`, `BEARER ${token}`])
    expect(await diariesSeen(pair.url, written)).toBe(1);
  const twice = await call(pair.url, {
    path: "/api/collections/diaries/records",
    headers: [
      ["Authorization", token],
      ["Authorization", token],
    ],
  });
  expect(verdictOf(twice)).toBe("400 authorization_invalid");
  // An escape in the query of a file's URL is no file token yet.
  const ofFile = await call(pair.url, {
    path: `${scanPath()}?thumb=%31`,
    headers: [
      ["Authorization", token],
      ["Authorization", token],
    ],
  });
  expect(verdictOf(ofFile)).toBe("400 authorization_invalid");
  const joined = await call(pair.url, {
    path: "/api/collections/diaries/records",
    token: `${token}, ${token}`,
  });
  expect(verdictOf(joined)).toBe("400 authorization_invalid");
  const long = await call(pair.url, { path: "/api/collections/diaries/records", token: "x".repeat(8_000) });
  expect(verdictOf(long)).toBe("400 authorization_invalid");
  const huge = await call(pair.url, { path: "/api/health", token: "x".repeat(1_000_000) }).catch(
    () => undefined,
  );
  if (huge !== undefined) expect([400, 431]).toContain(huge.status);
  expect(headOf(joined, "content-type")).toBe("application/json");
});
