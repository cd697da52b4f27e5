// Conditional requests, HEAD, unkeyed fields and odd paths: CA5, CA8, CA10.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { IDS } from "../support/fixture/records.ts";
import { type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const LIST = "notices/records?perPage=5";

describe("the cache", () => {
  test("answers 304 to who has the answer already, and 200 to who has another", async () => {
    const { etag, text } = await kit.warm(LIST);
    expect(etag).toMatch(/^"[\w-]{24}"$/);
    for (const value of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const answer = await kit.read(LIST, "guest", { "If-None-Match": value });
      expect(`${value} ${answer.status} ${answer.text} ${answer.etag}`).toBe(`${value} 304  ${etag}`);
    }
    const other = await kit.read(LIST, "guest", { "If-None-Match": '"x"' });
    expect(`${other.status} ${other.text}`).toBe(`200 ${text}`);
    // Also when it had to be asked for.
    const cold = await kit.read(`${LIST}&page=1`);
    await kit.write("PATCH collections/notices/records/notice000000025", { title: "Not on page one" });
    expect((await kit.read(`${LIST}&page=1`, "guest", { "If-None-Match": cold.etag })).status).toBe(304);
  });

  test("CA10 another caller's entity tag brings nobody a 304 for what differs", async () => {
    const ada = await kit.warm("articles/records?sort=id", "ada");
    const guest = await kit.read("articles/records?sort=id", "guest", { "If-None-Match": ada.etag });
    expect(guest.status).toBe(200);
    expect(guest.text).not.toContain(IDS.draft);
  });

  test("CA10 a HEAD fills nothing, and is answered from what a GET left", async () => {
    const url = `${kit.hapta.url}/api/collections/notices/records?perPage=6`;
    const cold = await fetch(url, { method: "HEAD" });
    expect(cold.headers.get("cache-status")).toBe("hapta; fwd=miss");
    expect((await kit.read("notices/records?perPage=6")).cache).toBe("miss");
    const warm = await fetch(url, { method: "HEAD" });
    expect(warm.headers.get("cache-status")).toBe("hapta; hit");
    expect(await warm.text()).toBe("");
  });

  test("CA10 a part is never kept for the whole", async () => {
    const part = await kit.read("notices/records?perPage=7", "guest", { Range: "bytes=0-3" });
    expect(part.status).toBe(200);
    expect((await kit.read("notices/records?perPage=7")).text).toBe(part.text);
  });

  test("asks PocketBase when the client wants that, and keeps what it says", async () => {
    await kit.warm(LIST);
    const before = kit.relay.count(`GET /api/collections/${LIST}`);
    expect((await kit.read(LIST, "guest", { "Cache-Control": "no-cache" })).cacheStatus).toBe(
      "hapta; fwd=request; stored",
    );
    expect(kit.relay.count(`GET /api/collections/${LIST}`)).toBe(before + 1);
    expect((await kit.read(LIST)).cache).toBe("hit");
  });

  test("CA5 no field of one client shows in what another gets", async () => {
    const path = "notices/records?perPage=8";
    await kit.read(path, "guest", {
      Origin: "https://evil.example",
      "X-Forwarded-Host": "evil.example",
      "X-Original-URL": "/evil",
      Accept: "text/html",
      "Accept-Language": "xx",
      Cookie: "evil=1",
    });
    const plain = await kit.read(path);
    expect(plain.cache).toBe("miss");
    expect(JSON.stringify([...plain.headers]) + plain.text).not.toContain("evil");
    const own = await kit.read(path, "guest", { Origin: "https://app.example" });
    expect(own.headers.get("access-control-allow-origin")).toBe("*");
  });

  test.each([
    `members/records/${IDS.ada}.css`,
    `members/records/${IDS.ada}%00.css`,
    `members/records/${IDS.ada};a.css`,
    `members/records/${IDS.ada}%0A.css`,
    "members/records/x/..%2fa.css",
    "members/auth-refresh/x.css",
  ])("CA8 %s gives nobody's record away", async (path) => {
    await kit.warm(`members/records/${IDS.ada}`, "ada");
    const asked = await kit.read(path, "ada");
    expect(asked.status).toBeGreaterThanOrEqual(400);
    expect(asked.text).not.toContain("ada@example.com");
    expect((await kit.read(path)).text).not.toContain("ada@example.com");
  });
});
