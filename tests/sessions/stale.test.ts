// Superseded tokens long after their grace: the sessions in the database are aged while nothing runs.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createScratch, type Scratch } from "../support/scratch.ts";
import { headOf } from "../support/wireReader.ts";
import { ageSessions } from "./ageing.ts";
import { ADA, call, login, refresh, refreshed, START_MS, TEST_MS, verdictOf, verify } from "./support.ts";

setDefaultTimeout(TEST_MS);
const AGE_MS = 600_000;
const PHONE = [["User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/605"]] as const;

let pb: PocketBase;
let data: Scratch;
let hapta: Hapta;

/** A token whose successor was used ten minutes ago, and that successor. */
const pairs: { readonly old: string; readonly current: string }[] = [];

beforeAll(async () => {
  pb = await startPocketBase();
  data = createScratch("stale");
  const start = (): Promise<Hapta> => startHapta(pb, { env: { HAPTA_DATA_DIR: data.path } });
  const first = await start();
  for (let i = 0; i < 5; i++) {
    const old = await login(first.url, ADA);
    const current = await refreshed(first.url, old);
    expect(await verify(first.url, current)).toBe(200);
    pairs.push({ old, current });
  }
  await first[Symbol.asyncDispose]();
  ageSessions(data.path, AGE_MS);
  hapta = await start();
}, START_MS);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await pb[Symbol.asyncDispose]();
  data[Symbol.dispose]();
}, START_MS);

const take = (): { readonly old: string; readonly current: string } => pairs.pop() ?? expect.unreachable();

test("RT5: an old token after the grace is 401 and its family lives", async () => {
  const { old, current } = take();
  const read = await call(hapta.url, { path: "/api/collections/diaries/records", token: old });
  expect(verdictOf(read)).toBe("401 session_stale");
  expect(headOf(read, "x-hapta-session")).toBe("stale");
  expect(headOf(read, "access-control-expose-headers")).toBe("X-Hapta-Session");
  expect(await verify(hapta.url, old)).toBe(401);
  expect(await verify(hapta.url, current)).toBe(200);
});

test("a login that carries a stale token works and leaves the family alone", async () => {
  const { old, current } = take();
  const next = await login(hapta.url, ADA, { token: old });
  expect(await verify(hapta.url, next)).toBe(200);
  expect(await verify(hapta.url, current)).toBe(200);
});

test("a stale refresh of the same device gets the current token again", async () => {
  const { old, current } = take();
  expect(await refreshed(hapta.url, old)).toBe(current);
});

/** With what a thief is answered: a read is a guest's. */
const THEFTS = [
  ["refreshed", 401, { method: "POST", path: "/api/collections/members/auth-refresh" }],
  ["used", 200, { path: "/api/collections/diaries/records" }],
] as const;

for (const [how, status, request] of THEFTS)
  test(`RT6: a stale token that is ${how} on another platform is a replay: the family ends`, async () => {
    const { old, current } = take();
    const thief = await call(hapta.url, { ...request, token: old, headers: PHONE });
    expect(thief.status).toBe(status);
    expect(await verify(hapta.url, current)).toBe(401);
    expect((await refresh(hapta.url, current)).status).toBe(401);
  });
