// Routes of the app's own that write, with raw SQL, so that only Hapta can know: what an operator has said that they may
// change ends before their answer, of others everything does, and what changes nothing ends nothing.
// A cache that is closed for a moment, on a slow machine, is neither a hit nor a miss.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

const RENAME = "POST /custom/rename/{id}/{title}";
const NOTICE = "notices/records/notice000000001";
const OTHER = "articles/records?perPage=2";

const start = (writes: Readonly<Record<string, readonly string[]>>): Promise<CacheKit> =>
  startCacheKit({ Cache: { isEnabled: true, VerifyRate: 0, Writes: writes } });

let kit: CacheKit;
beforeAll(async () => {
  kit = await start({
    [RENAME]: ["notices"],
    "POST /custom/echo": [],
    "PUT /custom/things/{name}": ["gone"],
  });
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const send = async (method: string, path: string, { hapta } = kit): Promise<void> => {
  const response = await fetch(`${hapta.url}/custom/${path}`, { method });
  expect(response.status).toBe(200);
};

test("law 3: what a route may change by the operator's word is new after its answer, and nothing else is asked for", async () => {
  await kit.warm(OTHER);
  for (const title of ["first", "second"]) {
    await kit.warm(NOTICE);
    await send("POST", `rename/notice000000001/${title}`);
    expect((await kit.read(NOTICE)).text).toContain(`"title":"${title}"`);
  }
  expect((await kit.read(OTHER)).cache).not.toBe("miss");
});

test("a stranger empties nothing through a route that changes nothing", async () => {
  await kit.warm(NOTICE);
  await kit.warm(OTHER);
  for (let i = 0; i < 20; i++) await send("POST", "echo");
  for (const path of [NOTICE, OTHER]) expect((await kit.read(path)).cache).not.toBe("miss");
});

test("a route of which nothing is said ends everything, and so does one with a collection that is not there", async () => {
  await kit.warm(NOTICE);
  await send("PUT", "things/one");
  expect((await kit.read(NOTICE)).cache).not.toBe("hit");
  await using bare = await start({});
  await bare.warm(NOTICE);
  await bare.warm(OTHER);
  await send("POST", "rename/notice000000001/third", bare);
  expect((await bare.read(NOTICE)).text).toContain('"title":"third"');
  expect((await bare.read(OTHER)).cache).not.toBe("hit");
});
