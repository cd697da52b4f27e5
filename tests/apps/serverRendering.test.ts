// RT18: a registered server renders pages for a browser and refreshes the browser's session at every page view; the
// browser holds on to its first token for ten minutes.
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { ADA, call, jsonOf, login, START_MS, TEST_MS, verdictOf } from "../sessions/support.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createScratch, type Scratch } from "../support/scratch.ts";
import { exchange, type WireRequest } from "../support/wire.ts";
import { MOBILE, SERVER, signed } from "./support.ts";

setDefaultTimeout(TEST_MS);
const TEN_MINUTES_MS = 600_000;
const PAGES = 50;
const PREFETCHES = 4;
const CHROME = [
  ["User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36"],
] as const;
const NODE = ["User-Agent", "node"] as const;
const DIARIES = "/api/collections/diaries/records";
const REFRESH = "/api/collections/members/auth-refresh";
const config = { Security: { Apps: [MOBILE, { ...SERVER, isConfidential: true }] } };

let pb: PocketBase;
let data: Scratch;
let hapta: Hapta;
const start = (): Promise<Hapta> => startHapta(pb, { config, env: { HAPTA_DATA_DIR: data.path } });
beforeAll(async () => {
  pb = await startPocketBase();
  data = createScratch("rendering");
  hapta = await start();
}, START_MS);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await pb[Symbol.asyncDispose]();
  data[Symbol.dispose]();
}, START_MS);

const byServer = (method: string, path: string, token: string): WireRequest =>
  signed(
    { method, path, headers: [["Authorization", token], NODE] },
    { id: SERVER.Id, secret: SERVER.Secret },
  );

/** One page view: a refresh, and prefetches beside and after it. @returns the token the next page begins with. */
const viewPage = async (token: string): Promise<string> => {
  const [refreshed, ...prefetched] = await Promise.all([
    exchange(hapta.url, byServer("POST", REFRESH, token)),
    ...Array.from({ length: PREFETCHES }, () => exchange(hapta.url, byServer("GET", DIARIES, token))),
  ]);
  expect(prefetched.map((answer) => `${answer.status} ${jsonOf(answer)["totalItems"]}`)).toEqual(
    Array<string>(PREFETCHES).fill("200 1"),
  );
  expect(`${refreshed?.status}`).toBe("200");
  return String(refreshed === undefined ? "" : jsonOf(refreshed)["token"]);
};

/** Makes everything that happened so far ten minutes old, while nothing runs. */
const age = async (): Promise<void> => {
  await hapta[Symbol.asyncDispose]();
  using db = new Database(join(data.path, "sessions.db"));
  const rows = db.query("SELECT id, trail FROM sessions").all() as { id: string; trail: string }[];
  for (const { id, trail } of rows) {
    const stored = JSON.parse(trail) as { h?: number[] };
    // The first entry holds the time, the others their distance to it.
    if (stored.h?.[1] !== undefined) stored.h[1] -= TEN_MINUTES_MS;
    db.run("UPDATE sessions SET trail = ?, confirmed_at = confirmed_at - ? WHERE id = ?", [
      JSON.stringify(stored),
      TEN_MINUTES_MS,
      id,
    ]);
  }
  hapta = await start();
};

const browse = (method: string, path: string, token: string) =>
  call(hapta.url, { method, path, token, headers: CHROME });

test("RT18: 50 page views, then the browser comes back with its first token: nobody is logged out", async () => {
  const first = await login(hapta.url, ADA, { headers: CHROME });
  expect((await browse("GET", DIARIES, first)).status).toBe(200);
  let token = first;
  // What the browser was handed half-way: still in the session's memory of 32 generations, which can be aged.
  let halfway = first;
  for (let page = 0; page < PAGES; page++) {
    token = await viewPage(token);
    if (page === PAGES / 2) halfway = token;
  }
  expect(jsonOf(await exchange(hapta.url, byServer("GET", DIARIES, token)))["totalItems"]).toBe(1);
  await age();
  // Stale, but no thief: the browser's refresh brings it up to date, byte for byte.
  expect(verdictOf(await browse("GET", DIARIES, halfway))).toBe("401 session_stale");
  for (const held of [halfway, first]) {
    const resynced = await browse("POST", REFRESH, held);
    expect(`${resynced.status} ${resynced.text.slice(0, 100)}`).toStartWith("200 ");
    expect(String(jsonOf(resynced)["token"])).toBe(token);
  }
  expect((await browse("GET", DIARIES, token)).status).toBe(200);
  expect(await viewPage(token)).not.toBe(token);
}, 60_000);

test("RT18: without the registration the same is taken for a thief, which is why there is one", async () => {
  const first = await login(hapta.url, ADA, { headers: CHROME });
  expect((await browse("GET", DIARIES, first)).status).toBe(200);
  const byStranger = (method: string, path: string, token: string) =>
    exchange(hapta.url, { method, path, headers: [["Authorization", token], NODE] });
  const next = String(jsonOf(await byStranger("POST", REFRESH, first))["token"]);
  expect((await byStranger("GET", DIARIES, next)).status).toBe(200);
  await age();
  expect((await browse("POST", REFRESH, first)).status).toBe(401);
  expect((await byStranger("GET", "/auth/verify", next)).status).toBe(401);
});

test("RT18: a third party with the first token still ends the session", async () => {
  const first = await login(hapta.url, ADA, { headers: CHROME });
  expect((await browse("GET", DIARIES, first)).status).toBe(200);
  let token = first;
  for (let page = 0; page < 3; page++) token = await viewPage(token);
  await age();
  const iphone = [["User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/605"]] as const;
  const thief = await call(hapta.url, { method: "POST", path: REFRESH, token: first, headers: iphone });
  expect(thief.status).toBe(401);
  expect((await browse("GET", "/auth/verify", token)).status).toBe(401);
});
