// What HTTP asks of a cache (RFC 9110, RFC 9111), and what may never be kept: errors, halves, and what a broken or hostile
// upstream says. CA9, CA11, CA12.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { talk } from "../adversarial/rawClient.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { type CacheKit, type Seen, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const LIST = "notices/records?perPage=21";
const URL_OF_LIST = `/api/collections/${LIST}`;

const ask = (method: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`${kit.hapta.url}${URL_OF_LIST}`, { method, headers: { "Accept-Encoding": "identity", ...headers } });

describe("a kept answer", () => {
  test.each([
    ["If-None-Match: *", { "If-None-Match": "*" }, 304],
    ["If-None-Match with a list that has no such tag", { "If-None-Match": '"a", W/"b"' }, 200],
    ["an If-None-Match that is no tag", { "If-None-Match": "abc" }, 200],
    ["If-Modified-Since, for want of a date", { "If-Modified-Since": new Date().toUTCString() }, 200],
    ["If-Match with another tag, as PocketBase", { "If-Match": '"a"' }, 200],
    ["Range, which is PocketBase's to honour", { Range: "bytes=0-9" }, 200],
    [
      "Cache-Control: max-age=0, as it is never older than PocketBase's",
      { "Cache-Control": "max-age=0" },
      200,
    ],
  ])("answers %s", async (_, headers, status) => {
    const { text } = await kit.warm(LIST);
    const etag = (await ask("GET")).headers.get("etag");
    const answer = await ask("GET", headers);
    expect([answer.status, answer.headers.get("cache-status"), answer.headers.get("etag")]).toEqual([
      status,
      "hapta; hit",
      etag,
    ]);
    expect(await answer.text()).toBe(status === 304 ? "" : text);
    expect(answer.headers.get("content-type")).toBe(status === 304 ? null : "application/json");
  });

  test("has the same fields for HEAD as for GET, and a date of its own", async () => {
    await kit.warm(LIST);
    const [get, head] = [await ask("GET"), await ask("HEAD")];
    await get.text();
    const fieldsOf = ({ headers }: Response): string =>
      JSON.stringify([...headers].filter(([name]) => !["date", "x-request-id"].includes(name)).sort());
    expect(fieldsOf(head)).toBe(fieldsOf(get));
    expect(Math.abs(Date.parse(get.headers.get("date") ?? "") - Date.now())).toBeLessThan(5_000);
    expect(get.headers.get("vary")).toContain("Origin");
  });

  test("answers a HEAD with 304, too, and a 304 says what a cache on the way needs", async () => {
    await kit.warm(LIST);
    const whole = await ask("GET");
    const etag = whole.headers.get("etag") ?? "";
    for (const method of ["GET", "HEAD"]) {
      const answer = await ask(method, { "If-None-Match": `"x", W/${etag}` });
      expect(`${method} ${answer.status} ${await answer.text()}`).toBe(`${method} 304 `);
      for (const name of ["etag", "vary", "cache-control", "cache-status", "x-content-type-options"])
        expect(`${name}: ${answer.headers.get(name)}`).toBe(`${name}: ${whole.headers.get(name)}`);
      expect(answer.headers.get("date")).not.toBeNull();
      expect(answer.headers.get("content-length")).toBeNull();
    }
  });

  test("takes two If-None-Match fields for one list", async () => {
    const { etag } = await kit.warm(LIST);
    const fields = [`If-None-Match: "x"`, `If-None-Match: ${etag}`, "Connection: close"];
    const head = [`GET ${URL_OF_LIST} HTTP/1.1`, "Host: localhost", ...fields].join("\r\n");
    const { text } = await talk(kit.hapta.port, `${head}\r\n\r\n`, 10_000);
    expect(text).toStartWith("HTTP/1.1 304 ");
  });

  test("that everybody may read says by what it varies, and is the same for every page but for what lets it read", async () => {
    const path = "notices/records?perPage=30";
    const kept = (headers: Readonly<Record<string, string>>): Promise<Seen> =>
      eventually(async () => {
        const one = await kit.read(path, "guest", { "Accept-Encoding": "identity", ...headers });
        return one.cache === "hit" ? one : undefined;
      }, 10_000);
    const [plain, paged] = [await kept({}), await kept({ Origin: "https://app.example" })];
    expect(plain.headers.get("vary")).toBe("Origin, Accept-Encoding");
    expect(paged.headers.get("vary")).toBe("Origin, Accept-Encoding");
    expect(plain.headers.get("access-control-allow-origin")).toBeNull();
    expect(paged.headers.get("access-control-allow-origin")).toBe("*");
    expect(paged.text).toBe(plain.text);
  });

  test("is for GET and HEAD alone", async () => {
    await kit.warm(LIST);
    for (const method of ["OPTIONS", "POST", "DELETE", "PATCH"])
      expect(`${method} ${(await ask(method)).headers.get("cache-status")}`).toBe(`${method} null`);
  });

  test("a 404 stays one, whatever tag it is asked with", async () => {
    const path = "notices/records/noticenothere01";
    const { etag } = await kit.warm(path);
    for (const value of ["*", etag])
      expect((await kit.read(path, "guest", { "If-None-Match": value })).status).toBe(404);
  });
});

describe("CA9 what breaks on its way is not kept:", () => {
  const broken = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  test.each([
    ["an error", "HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", false],
    ["a limit", "HTTP/1.1 429 Slow\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", false],
    ["a half", `${broken}Content-Length: 100\r\n\r\n{"items":[`, true],
    ["a half in chunks", `${broken}Transfer-Encoding: chunked\r\n\r\na\r\n{"items":[\r\n`, true],
    [
      "CA11 a line end in a field",
      `${broken}X-A: b\rSet-Cookie: evil=1\r\nContent-Length: 2\r\n\r\n{}`,
      true,
    ],
    ["CA11 a folded field", `${broken}X-A: b\r\n Set-Cookie: evil=1\r\nContent-Length: 2\r\n\r\n{}`, true],
    ["CA11 a NUL in a field", `${broken}X-A: b\0c\r\nContent-Length: 2\r\n\r\n{}`, true],
    ["CA11 two lengths", `${broken}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, true],
  ])("%s", async (what, reply, isCut) => {
    const path = `notices/records?fields=id,title&perPage=${20 + what.length}`;
    const restore = kit.relay.replace(`GET /api/collections/${path}`, reply, isCut);
    const bad = await kit.read(path).catch((): Seen | undefined => undefined);
    restore();
    expect(bad === undefined || bad.status >= 400).toBe(true);
    expect(JSON.stringify([...(bad?.headers ?? [])])).not.toContain("evil");
    const good = await kit.read(path);
    expect([good.status, good.cache]).toEqual([200, "miss"]);
    expect((await kit.read(path)).text).toBe(good.text);
  });
});

test("CA10 a part that PocketBase answers is passed on, and not kept", async () => {
  const path = "notices/records?fields=id&perPage=23";
  const fields = "Content-Type: application/json\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2";
  const reply = `HTTP/1.1 206 Partial Content\r\n${fields}\r\n\r\n{}`;
  const restore = kit.relay.replace(`GET /api/collections/${path}`, reply, false);
  expect((await kit.read(path)).status).toBe(206);
  restore();
  const whole = await kit.read(path);
  expect(whole.status).toBe(200);
  expect(whole.cache).not.toBe("hit");
});

test("CA12 what a stranger may not see looks like what is not there, warm or cold", async () => {
  await kit.warm(`diaries/records/${IDS.diary}`, "ada");
  const shown = ({ status, text, headers }: Seen): string =>
    JSON.stringify([
      status,
      text,
      [...headers].filter(([name]) => !["date", "x-request-id", "etag"].includes(name)),
    ]);
  for (const who of ["guest", "ben"] as const) {
    const [hidden, missing] = [`diaries/records/${IDS.diary}`, "diaries/records/diarynothere001"];
    for (let round = 0; round < 3; round++)
      expect(shown(await kit.read(hidden, who))).toBe(shown(await kit.read(missing, who)));
  }
});
