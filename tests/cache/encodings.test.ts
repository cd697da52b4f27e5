// Answers from the cache in fewer bytes: for whom, with which fields, and for whom never.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { eventually } from "../support/eventually.ts";
import { type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const LIST = "notices/records?perPage=25";
const BROWSER = "gzip, deflate, br, zstd";
const DECODE = { br: brotliDecompressSync, gzip: gunzipSync } as const;

/** Reads without decoding. */
const read = async (path: string, headers: Readonly<Record<string, string>>, method = "GET") => {
  const response = await fetch(`${kit.hapta.url}/api/collections/${path}`, {
    method,
    // Bun's own default would ask for every coding.
    headers: { "Accept-Encoding": "identity", ...headers },
    decompress: false,
  });
  return {
    status: response.status,
    bytes: Buffer.from(await response.arrayBuffer()),
    coding: response.headers.get("content-encoding"),
    vary: response.headers.get("vary"),
    etag: response.headers.get("etag") ?? "",
    length: Number(response.headers.get("content-length")),
    cache: response.headers.get("cache-status") ?? "",
  };
};

const readEncoded = (path: string, coding: "br" | "gzip") =>
  eventually(async () => {
    const answer = await read(path, { "Accept-Encoding": coding });
    return answer.coding === coding ? answer : undefined;
  }, 10_000);

describe("an answer that everybody may read", () => {
  test.each(["br", "gzip"] as const)("leaves as %s when it is asked for again", async (coding) => {
    const plain = await read(LIST, {});
    expect([plain.coding, plain.vary]).toEqual([null, "Origin, Accept-Encoding"]);
    const { bytes, vary, etag, cache, length } = await readEncoded(LIST, coding);
    expect(DECODE[coding](bytes).toString()).toBe(plain.bytes.toString());
    expect(bytes.length).toBeLessThan(plain.bytes.length / 2);
    expect([vary, cache]).toEqual(["Origin, Accept-Encoding", "hapta; hit"]);
    expect(etag).not.toBe(plain.etag);
    const head = await read(LIST, { "Accept-Encoding": coding }, "HEAD");
    expect([head.coding, head.etag, head.length]).toEqual([coding, etag, length]);
  });

  test("leaves as it is for who did not ask, or would rather have it so", async () => {
    const { etag } = await readEncoded(LIST, "br");
    for (const field of ["identity", "", "br;q=0", "deflate", "identity;q=1, br;q=0.9"]) {
      const answer = await read(LIST, { "Accept-Encoding": field });
      expect([field, answer.coding, answer.cache]).toEqual([field, null, "hapta; hit"]);
    }
    expect((await read(LIST, { "Accept-Encoding": BROWSER })).coding).toBe("br");
    expect((await read(LIST, { "Accept-Encoding": "identity", "If-None-Match": etag })).status).toBe(304);
  });

  test("is no other to a client that keeps it in one coding and asks for another", async () => {
    const [br, gzip, plain] = [
      await readEncoded(LIST, "br"),
      await readEncoded(LIST, "gzip"),
      await read(LIST, {}),
    ];
    for (const { etag } of [br, gzip, plain]) {
      const answer = await read(LIST, { "Accept-Encoding": BROWSER, "If-None-Match": etag });
      expect([answer.status, answer.etag, answer.coding]).toEqual([304, etag, null]);
    }
    await kit.write("PATCH collections/notices/records/notice000000001", { title: "Other words" });
    for (const { etag } of [br, gzip, plain])
      expect((await read(LIST, { "Accept-Encoding": BROWSER, "If-None-Match": etag })).status).toBe(200);
  });

  test("is new in every coding after a write", async () => {
    await readEncoded(LIST, "gzip");
    await kit.write("PATCH collections/notices/records/notice000000001", { title: "Yet other words" });
    const { bytes } = await readEncoded(LIST, "gzip");
    expect(gunzipSync(bytes).toString()).toContain("Yet other words");
  });
});

test("BREACH: what not everybody may read leaves as it is, however often it is asked for", async () => {
  const path = "articles/records?expand=author,comments_via_article&perPage=50";
  for (const [who, token] of [
    ["ada", kit.tokens.ada],
    ["guest", ""],
  ]) {
    for (let i = 0; i < 8; i++) {
      const headers: Record<string, string> = { "Accept-Encoding": BROWSER };
      if (token !== undefined && token !== "") headers["Authorization"] = token;
      const { coding, vary, bytes } = await read(path, headers);
      expect([who, coding, vary]).toEqual([who, null, "Origin, Authorization"]);
      if (who === "ada") expect(bytes.length).toBeGreaterThan(1_400);
    }
  }
});
