// Pages whose total was counted before are what PocketBase says, byte for byte, whatever the page, filter and caller.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type CacheKit, startCacheKit, type Who } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const READERS = ["guest", "ada", "ben"] as const;

/** What PocketBase says to the same caller, asked directly. */
const direct = async (path: string, who: Who): Promise<string> => {
  const token = who === "guest" ? undefined : kit.upstream.world.tokens[who];
  const response = await fetch(`${kit.upstream.url}/api/collections/${path}`, {
    headers: token === undefined ? {} : { Authorization: token },
  });
  return `${path} ${who} ${response.status} ${await response.text()}`;
};

const expectSame = async (path: string, who: Who): Promise<void> => {
  const { status, text } = await kit.read(path, who);
  expect(`${path} ${who} ${status} ${text}`).toBe(await direct(path, who));
};

const countShort = (): number =>
  ["notices", "articles", "comments", "members", "diaries"].reduce(
    (sum, name) =>
      sum + kit.relay.countWhere((line) => line.includes(`/${name}/`) && line.includes("skipTotal=1")),
    0,
  );

const LISTS = [
  "notices/records?",
  "notices/records?filter=(done=true)&",
  "notices/records?filter=(member.name='Ada')&sort=-title&",
  "notices/records?filter=(title='nobody says this')&",
  "notices/records?sort=member.name&",
  "notices/records?sort=-@rowid&expand=member&",
  "notices/records?fields=id,title&",
  "articles/records?sort=-id&",
  "articles/records?expand=author,comments_via_article.author&",
  "comments/records?sort=article.title&",
  "members/records?sort=name&",
  "diaries/records?",
] as const;
const PAGES = [
  "",
  "page=2&perPage=2",
  "page=1&perPage=3",
  "perPage=4&page=999",
  "page=-1&perPage=2000",
  "perPage=0",
  "page=x",
];

describe("a page without its total", () => {
  test("is asked for when the total is known, and answered as PocketBase would", async () => {
    const before = countShort();
    for (const list of LISTS)
      for (const page of PAGES) for (const who of READERS) await expectSame(list + page, who);
    // Most of the pages after the first of each list and caller.
    expect(countShort() - before).toBeGreaterThan(100);
  });

  test("carries what a write has changed of the total, through Hapta or past it", async () => {
    const list = "notices/records?sort=id&perPage=3&page=";
    await expectSame(`${list}1`, "guest");
    await kit.write("POST collections/notices/records", { id: "noticetotal0001", title: "One more" });
    await expectSame(`${list}2`, "guest");
    await expectSame(`${list}3`, "guest");
    await kit.write("DELETE collections/notices/records/noticetotal0001");
    await expectSame(`${list}3`, "guest");
  });

  test("is not put together with a total that a write has outdated meanwhile", async () => {
    const list = "notices/records?sort=-id&perPage=3&page=";
    await kit.read(`${list}1`);
    const release = kit.relay.hold(`GET /api/collections/${list}2&skipTotal=1`);
    const pending = kit.read(`${list}2`);
    await kit.relay.arrival(`GET /api/collections/${list}2&skipTotal=1`);
    await kit.write("POST collections/notices/records", { id: "noticetotal0002", title: "Meanwhile" });
    release();
    const { text, cacheStatus } = await pending;
    expect(`${list}2 guest 200 ${text}`).toBe(await direct(`${list}2`, "guest"));
    expect(cacheStatus).not.toContain("stored");
    await kit.write("DELETE collections/notices/records/noticetotal0002");
  });

  test("is counted once for pages that miss at the same moment", async () => {
    const list = "notices/records?sort=title,-id&perPage=2&page=";
    const before = kit.relay.countWhere((line) => line.includes(list) && !line.includes("skipTotal"));
    await Promise.all([1, 2, 3, 4].map((page) => kit.read(list + page)));
    expect(kit.relay.countWhere((line) => line.includes(list) && !line.includes("skipTotal")) - before).toBe(
      1,
    );
    for (const page of [1, 2, 3, 4]) await expectSame(list + page, "guest");
  });

  test("is not asked for where a rule reads the query, or the client skips the total itself", async () => {
    const before = kit.relay.countWhere((line) => line.includes("/gates/") && line.includes("skipTotal"));
    for (const page of [1, 2]) await expectSame(`gates/records?share=blue&page=${page}`, "guest");
    expect(kit.relay.countWhere((line) => line.includes("/gates/") && line.includes("skipTotal"))).toBe(
      before,
    );
    await expectSame("notices/records?skipTotal=1&page=2", "guest");
    await expectSame("notices/records?skipTotal=0&page=2", "guest");
  });
});
