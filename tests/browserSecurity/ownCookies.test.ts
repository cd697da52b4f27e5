// Hapta's own cookies stay at Hapta; the app's reach PocketBase's hooks as they were sent.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { call, type Pair, START_MS, startPair, TEST_MS } from "../sessions/support.ts";

setDefaultTimeout(TEST_MS);
let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
}, START_MS);
afterAll(() => pair[Symbol.asyncDispose](), START_MS);

const seen = async (...cookies: string[]): Promise<unknown> => {
  const headers = cookies.map((cookie) => ["Cookie", cookie] as const);
  const answer = await call(pair.url, { path: "/custom/headers?names=Cookie", headers });
  return JSON.parse(answer.text).seen.Cookie;
};

test("cookies of other names travel on untouched", async () => {
  expect(await seen('theme="dark";a=b=c ;  x')).toEqual(['theme="dark";a=b=c ;  x']);
});

test("hapta_* are held back, wherever they stand", async () => {
  const own =
    "hapta_session=a.b.c; __Host-hapta_session=a.b.c; hapta_did=x; __Host-hapta_did=x; __Secure-hapta_y";
  expect(await seen(`theme=dark; ${own}; b=1`)).toEqual(["theme=dark; b=1"]);
  expect(await seen("a=1", own, "b=2")).toEqual(["a=1", "b=2"]);
  expect(await seen(own)).toBeNull();
});
