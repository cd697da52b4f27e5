// What an operator sees of the cache and can do about it, and the comparison that runs by itself.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { ADMIN_KEY, type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit({
    Cache: { isEnabled: true, VerifyRate: 1, Collections: { profiles: { MaxAge: 0.3 }, diaries: {} } },
  });
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

interface State {
  readonly entries: number;
  readonly bytes: number;
  readonly verified: number;
  readonly hapta_cache_violations_total: number;
}

const call = async <T>(path: string, method = "GET"): Promise<T> => {
  const response = await fetch(`${kit.hapta.url}/hapta/cache${path}`, {
    method,
    headers: { Authorization: `Bearer ${ADMIN_KEY}` },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === "" ? {} : JSON.parse(text)) as T;
};

/** Changes a notice in a way that PocketBase tells nobody about. */
const changeInSecret = async (title: string): Promise<void> => {
  const { status, text } = await kit.behind("POST sql", {
    query: `UPDATE notices SET title = '${title}' WHERE id = 'notice000000002'`,
  });
  expect(`${status} ${text}`).toStartWith("2");
};
const NOTICE = "notices/records/notice000000002";

describe("/hapta/cache", () => {
  test("counts, lists by the start of a key, and explains a read as a given caller", async () => {
    await kit.warm("notices/records?perPage=4");
    await kit.warm("articles/records?perPage=4", "ada");
    expect((await call<State>("")).entries).toBeGreaterThan(1);
    const { items } = await call<{ items: { key: string; isCurrent: boolean }[] }>(
      "/entries?prefix=articles",
    );
    expect(items.map(({ key }) => key)).toEqual([`articles?perPage=4@pbc_members0001/${IDS.ada}`]);
    const url = encodeURIComponent("/api/collections/articles/records?perPage=4");
    const asked = await call<Record<string, unknown>>(
      `/explain?url=${url}&collection=members&user=${IDS.ada}`,
    );
    expect(asked).toMatchObject({ isKept: true, sharing: "principal", isHit: true });
    expect(JSON.stringify(asked["dependencies"])).toContain(`r:pbc_members0001/${IDS.ada}`);
    await kit.write(`PATCH collections/articles/records/${IDS.essay}`, { title: "Moved" });
    expect(
      await call<Record<string, unknown>>(`/explain?url=${url}&collection=members&user=${IDS.ada}`),
    ).toMatchObject({
      isHit: false,
      lastInvalidation: { name: "c:pbc_articles001", cause: expect.stringMatching(/articles|feed/) },
    });
    expect(await call<Record<string, unknown>>(`/explain?url=${url}`)).toMatchObject({ isHit: false });
    const gates = encodeURIComponent("/api/collections/gates/records");
    expect(await call<Record<string, unknown>>(`/explain?url=${gates}`)).toMatchObject({
      isKept: false,
      detail: "rule",
      reason: "gates's list rule reads @request.headers.x_gate",
    });
  });

  test("a difference that nobody told is found, counted, and ends the entry", async () => {
    const before = await call<State>("");
    expect(before.hapta_cache_violations_total).toBe(0);
    await kit.warm(NOTICE);
    await changeInSecret("Changed in secret");
    expect((await kit.read(NOTICE)).cache).toBe("hit");
    await eventually(async () => (await call<State>("")).hapta_cache_violations_total >= 1, 10_000);
    expect((await kit.read(NOTICE)).text).toContain("Changed in secret");
    const isLogged = () => kit.hapta.child.output().includes("A kept answer is not what PocketBase says");
    await eventually(isLogged, 5_000);
  });

  test.each([
    ["prefix=notices/notice0000000", "by the start of the key"],
    [`key=${encodeURIComponent("notices/notice000000002@public")}`, "by key"],
    ["collection=notices", "by collection"],
    ["all=true", "all"],
  ])("forgets %s", async (query, title) => {
    await kit.warm(NOTICE);
    await changeInSecret(title);
    const { forgotten } = await call<{ forgotten: number }>(`/entries?${query}`, "DELETE");
    expect(forgotten).toBeGreaterThanOrEqual(1);
    const after = await kit.read(NOTICE);
    expect(after.cache).toBe("miss");
    expect(after.text).toContain(title);
  });

  test("what nobody tells of a collection with a MaxAge counts after it all the same", async () => {
    const path = "profiles/records?sort=id";
    const { text } = await kit.warm(path);
    await kit.behind("POST sql", { query: "UPDATE profiles SET motto = 'Changed in secret'" });
    await eventually(async () => (await kit.read(path)).text !== text, 5_000);
    const { cause } = await eventually(async () => {
      const url = encodeURIComponent(`/api/collections/${path}`);
      return (await call<{ lastInvalidation?: { cause: string } }>(`/explain?url=${url}`)).lastInvalidation;
    }, 5_000);
    expect(cause).toBe("its MaxAge");
  });

  test("forgets a view by its name", async () => {
    await kit.warm("articleStats/records?sort=id");
    const { forgotten } = await call<{ forgotten: number }>("/entries?collection=articleStats", "DELETE");
    expect(forgotten).toBeGreaterThanOrEqual(1);
    expect((await kit.read("articleStats/records?sort=id")).cache).toBe("miss");
  });

  test("asks for exactly one thing to forget", async () => {
    expect(call("/entries", "DELETE")).rejects.toThrow("400");
    expect(call("/entries?all=true&collection=notices", "DELETE")).rejects.toThrow("400");
  });
});
