// Names that an operator gives to reads: the example of the docs, loaded as it stands.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { defineConfig } from "../../src/settings/defineConfig.ts";
import { IDS } from "../support/fixture/records.ts";
import { createScratch, PROJECT_DIR } from "../support/scratch.ts";
import { ADMIN_KEY, type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

/** The config file that docs/cache.md shows under "Names". */
const example = async (): Promise<Parameters<typeof defineConfig>[0]> => {
  const page = readFileSync(join(PROJECT_DIR, "docs/cache.md"), "utf8");
  const [, source = ""] = /## Names.*?```ts\n(.*?)```/s.exec(page) ?? [];
  using scratch = createScratch("names");
  const file = join(scratch.path, "config.ts");
  await Bun.write(file, source);
  const module: unknown = await import(file);
  return Reflect.get(Object(module), "default") as Parameters<typeof defineConfig>[0];
};

let kit: CacheKit;
beforeAll(async () => {
  const { Cache } = await example();
  kit = await startCacheKit({ Cache: { ...Cache, VerifyRate: 0 } });
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const call = async <T>(path: string, method = "GET"): Promise<T> => {
  const response = await fetch(`${kit.hapta.url}/hapta/cache/${path}`, {
    method,
    headers: { Authorization: `Bearer ${ADMIN_KEY}` },
  });
  return (await response.json()) as T;
};

const namesOf = async (prefix: string): Promise<readonly (string | undefined)[]> =>
  (await call<{ items: { name?: string }[] }>(`entries?prefix=${encodeURIComponent(prefix)}`)).items.map(
    ({ name }) => name,
  );

const ADA = `members/records?filter=${encodeURIComponent("name='Ada'")}`;
const FEED = "articles/records?sort=-id";

describe("Cache.Names", () => {
  test("stand in Cache-Status, in lists and in explanations", async () => {
    expect((await kit.read(ADA, "ada")).cacheStatus).toBe('hapta; fwd=miss; key="u/Ada"; stored');
    expect((await kit.warm(ADA, "ada")).cacheStatus).toBe('hapta; hit; key="u/Ada"');
    await kit.warm(`${ADA}&page=1&perPage=1&skipTotal=1`, "ben");
    expect(await namesOf("u/")).toEqual(["u/Ada", "u/Ada"]);
    expect(await namesOf("members?")).toEqual(["u/Ada", "u/Ada"]);
    const url = encodeURIComponent(`/api/collections/articles/records/${IDS.news}?expand=author`);
    expect(await call<Record<string, unknown>>(`explain?url=${url}`)).toMatchObject({
      name: `article/${IDS.news}`,
    });
  });

  test("tell what belongs to one caller by who it is, and nobody's by nobody", async () => {
    expect((await kit.warm(FEED, "ada")).cacheStatus).toContain(`feed_${IDS.ada}"`);
    expect((await kit.warm(FEED, "ben")).cacheStatus).toContain(`feed_${IDS.ben}"`);
    expect((await kit.warm(FEED)).cacheStatus).toBe("hapta; hit");
    expect(await namesOf("articles_recommended_feed_")).toHaveLength(2);
  });

  test("are forgotten together, and nothing else is", async () => {
    await kit.warm(ADA, "ada");
    await kit.warm(`${ADA}&page=1`, "ada");
    await kit.warm(FEED, "ada");
    const kept = await namesOf("u/Ada");
    expect(await call<object>("entries?name=u/Ada", "DELETE")).toEqual({ forgotten: kept.length });
    expect(await namesOf("u/Ada")).toEqual([]);
    expect((await kit.read(ADA, "ada")).cache).toBe("miss");
    expect((await kit.read(FEED, "ada")).cache).toBe("hit");
  });

  test("that do not fit stay away", async () => {
    const other = `members/records?filter=${encodeURIComponent("name='Ada' || id!=''")}`;
    expect((await kit.read(other, "ada")).cacheStatus).toBe("hapta; fwd=miss; stored");
  });

  test("what is being fetched under a name is not kept when it is forgotten meanwhile", async () => {
    await call<object>("entries?name=u/Ada", "DELETE");
    const path = `${ADA}&perPage=2`;
    const release = kit.relay.hold("GET /api/collections/members/records?filter");
    const pending = kit.read(path, "ada");
    await kit.relay.arrival(`GET /api/collections/${path.replaceAll("'", "%27")}`);
    await call<object>("entries?name=u/Ada", "DELETE");
    release();
    expect((await pending).cacheStatus).not.toContain("stored");
    expect((await kit.read(path, "ada")).cache).toBe("miss");
  });
});
