// What is given when PocketBase fails, where the operator asked for that.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit({
    Cache: { isEnabled: true, VerifyRate: 0, StaleIfError: 60 },
  });
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const KEPT = "notices/records/notice000000001";
const CHANGED = "notices/records/notice000000002";

describe("with Cache.StaleIfError", () => {
  test("a PocketBase that is gone is stood in for by what nothing is known to have changed, marked", async () => {
    const own = "articles/records?sort=id";
    const { text, etag } = await kit.warm(KEPT);
    await kit.warm(CHANGED);
    const mine = await kit.warm(own, "ada");
    process.kill(kit.upstream.child.pid, "SIGSTOP");
    const write = kit.write(`PATCH collections/${CHANGED}`, { title: "Nobody knows" }).catch(() => undefined);
    await kit.relay.arrival(`PATCH /api/collections/${CHANGED}`);
    process.kill(kit.upstream.child.pid, "SIGKILL");
    expect((await write)?.status ?? 502).toBeGreaterThanOrEqual(500);
    await eventually(async () => (await kit.read("notices/records?page=9")).status >= 500, 10_000);
    const stale = await kit.read(KEPT);
    expect(`${stale.status} ${stale.cacheStatus}`).toBe("200 hapta; hit; detail=stale-if-error");
    expect([stale.text, stale.etag]).toEqual([text, etag]);
    expect(stale.headers.get("warning")).toBe('110 - "Response is Stale", 111 - "Revalidation Failed"');
    expect((await kit.read(own, "ada")).text).toBe(mine.text);
    // What a write may have changed, what was never kept, and what is another's.
    expect((await kit.read(CHANGED)).status).toBeGreaterThanOrEqual(500);
    expect((await kit.read(own, "ben")).status).toBeGreaterThanOrEqual(500);
    expect((await kit.read("comments/records?page=2")).status).toBeGreaterThanOrEqual(500);
    expect(text).toContain("notice000000001");
    expect(mine.text).toContain(IDS.draft);
  });
});

test("without it nothing is given that PocketBase does not say", async () => {
  await using plain = await startCacheKit();
  await plain.warm(KEPT);
  await plain.upstream.child[Symbol.asyncDispose]();
  await eventually(async () => (await plain.read(KEPT)).status >= 500, 10_000);
  expect((await plain.read(KEPT)).status).toBeGreaterThanOrEqual(500);
});
