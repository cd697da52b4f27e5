// The examples of docs/cache.md do what the page says, as they stand there: only addresses, keys and names are filled in.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { createScratch, PROJECT_DIR } from "../support/scratch.ts";
import { ADMIN_KEY, type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(30_000);

const page = await Bun.file(join(PROJECT_DIR, "docs", "cache.md")).text();

/** The one example with a text, in which other texts stand for some of it. */
const example = (text: string, filled: Readonly<Record<string, string>> = {}): string => {
  const found = [...page.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].flatMap(([, code = ""]) =>
    code.includes(text) ? [code] : [],
  );
  expect(found).toHaveLength(1);
  return Object.entries(filled).reduce((code, [from, to]) => {
    expect(code).toContain(from);
    return code.replaceAll(from, to);
  }, found[0] ?? "");
};

/** What the group `Cache` is in an example that is a config file. */
const cacheIn = async (source: string): Promise<Readonly<Record<string, unknown>>> => {
  using scratch = createScratch("docs");
  const file = join(scratch.path, "config.ts");
  await Bun.write(file, source);
  const module = (await import(file)) as { default: { Cache: Readonly<Record<string, unknown>> } };
  return module.default.Cache;
};

let kit: CacheKit;
beforeAll(async () => {
  const collections = await cacheIn(example("Collections: {", { reports: "profiles", prices: "comments" }));
  const writes = await cacheIn(example("Writes: {", { '"orders"': '"articles"', '"stock"': '"notices"' }));
  kit = await startCacheKit({ Cache: { isEnabled: true, VerifyRate: 0, ...collections, ...writes } });
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

test("the call for what nobody tells Hapta forgets what raw SQL has changed past it", async () => {
  const path = "notices/records/notice000000004";
  await kit.warm(path);
  const query = "UPDATE notices SET title = 'By another process' WHERE id = 'notice000000004'";
  expect((await kit.behind("POST sql", { query })).status).toBe(200);
  const kept = await kit.read(path);
  expect(`${kept.cache} ${kept.text.includes("By another process")}`).toMatch(/^(?:hit false|bypass true)$/);
  const command = example("curl -X DELETE", {
    "http://localhost:3599": kit.hapta.url,
    $HAPTA_ADMIN_KEY: ADMIN_KEY,
    reports: "notices",
  });
  const [, method = "", name = "", value = "", url = ""] =
    /^curl -X (\w+) -H "([\w-]+): ([^"]+)" "([^"]+)"\n$/.exec(command) ?? [];
  const { status } = await fetch(url, { method, headers: { [name]: value } });
  expect(status).toBe(200);
  const after = await kit.read(path);
  expect(after.cache).not.toBe("hit");
  expect(after.text).toContain("By another process");
});

test("of a collection that is switched off nothing is kept, of one with a MaxAge something is", async () => {
  expect((await kit.read("profiles/records")).cacheStatus).toBe("hapta; fwd=bypass; detail=off");
  expect((await kit.warm("comments/records")).status).toBe(200);
});

test("a route of the app's own ends what it was said to change, and one that changes nothing ends nothing", async () => {
  const [notices, diary] = ["notices/records?perPage=4", `diaries/records/${IDS.diary}`];
  const post = (path: string) => fetch(`${kit.hapta.url}${path}`, { method: "POST", body: "{}" });
  const done = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
  const restores = ["/contact", "/shop/orders"].map((path) => kit.relay.replace(`POST ${path}`, done, false));
  const isKeptAfter = async (path: string) => {
    await kit.warm(notices);
    await kit.warm(diary);
    expect((await post(path)).status).toBe(200);
    return [await kit.read(notices), await kit.read(diary)].map(({ cache }) => cache === "hit");
  };
  // A doubt about the feed ends answers, too, now and then.
  const eventuallyKept = (path: string, kept: readonly boolean[]) =>
    eventually(async () => Bun.deepEquals(await isKeptAfter(path), kept), 10_000);
  await eventuallyKept("/contact", [true, true]);
  await eventuallyKept("/shop/orders", [false, true]);
  // Of other routes nobody has said anything.
  restores.push(kit.relay.replace("POST /other", done, false));
  expect(await isKeptAfter("/other")).toEqual([false, false]);
  for (const restore of restores) restore();
});
