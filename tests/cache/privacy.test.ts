// Nobody gets what PocketBase would not give them: CA1 to CA3, CA6 and CA7.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const LISTS = [
  "notices/records?sort=title",
  "articles/records?sort=title",
  "articles/records?expand=author,comments_via_article.author",
  "diaries/records",
  `diaries/records/${IDS.diary}`,
  "members/records?sort=name",
  `members/records/${IDS.ada}`,
  "comments/records?expand=article",
  "profiles/records?expand=member",
  "articleStats/records?sort=id",
  "ledgers/records",
] as const;
const READERS = ["guest", "ada", "ben"] as const;

describe("the cache", () => {
  test("CA1 gives each caller what PocketBase gives them, warm or cold, in any order", async () => {
    for (let round = 0; round < 3; round++) {
      for (const path of LISTS) {
        await Promise.all(
          READERS.map(async (who) => {
            const token = who === "guest" ? undefined : kit.upstream.world.tokens[who];
            const direct = await fetch(`${kit.upstream.url}/api/collections/${path}`, {
              headers: token === undefined ? {} : { Authorization: token },
            });
            const through = await kit.read(path, who);
            expect(`${path} ${who} ${through.status} ${through.text}`).toBe(
              `${path} ${who} ${direct.status} ${await direct.text()}`,
            );
          }),
        );
      }
    }
  });

  test("CA1 shares what is public, and nothing else", async () => {
    await kit.warm("notices/records?page=1&perPage=3", "ada");
    expect((await kit.read("notices/records?page=1&perPage=3")).cache).toBe("hit");
    expect((await kit.read("notices/records?perPage=3&page=1", "ben")).cache).toBe("hit");
    const own = "articles/records?perPage=3";
    await kit.warm(own, "ada");
    expect((await kit.read(own, "ben")).cache).toBe("miss");
    expect((await kit.read(own)).cache).toBe("miss");
    expect((await kit.read(own)).cache).toBe("hit");
  });

  test("CA2 two callers who miss at the same moment are asked for apart", async () => {
    const path = "diaries/records?perPage=7";
    const release = kit.relay.hold(`GET /api/collections/${path}`);
    const both = [kit.read(path, "ada"), kit.read(path, "ben"), kit.read(path, "ada")];
    await Bun.sleep(200);
    release();
    const [ada, ben, again] = await Promise.all(both);
    expect(ada?.text).toContain("private words");
    expect(again?.text).toBe(ada?.text ?? "");
    expect(ben?.text).not.toContain("private words");
    expect(kit.relay.count(`GET /api/collections/${path}`)).toBe(2);
  });

  test("CA3 a role that is taken away, and a record that is made private, count at the next read", async () => {
    await kit.write("PATCH collections/notices", { listRule: "@request.auth.role = 'writer'" });
    const list = "notices/records?perPage=2";
    expect((await kit.warm(list, "ada")).text).toContain('"title"');
    await kit.write(`PATCH collections/members/records/${IDS.ada}`, { role: "reader" });
    expect((await kit.read(list, "ada")).text).toContain('"totalItems":0');
    await kit.write(`PATCH collections/members/records/${IDS.ada}`, { role: "writer" });
    expect((await kit.read(list, "ada")).text).toContain('"title"');
    await kit.write("PATCH collections/notices", { listRule: "" });
    const drafts = "articles/records?filter=(published=false)";
    expect((await kit.warm(drafts, "ada")).text).toContain(IDS.draft);
    expect(
      (await kit.write(`PATCH collections/articles/records/${IDS.draft}`, { author: IDS.ben })).status,
    ).toBe(200);
    expect((await kit.read(drafts, "ada")).text).not.toContain(IDS.draft);
    await kit.write(`PATCH collections/articles/records/${IDS.draft}`, { author: IDS.ada });
  });

  test("CA3 who has signed out is a guest, to what was kept for them, too", async () => {
    const drafts = "articles/records?filter=(published=false)&perPage=4";
    const login = { identity: "ada@example.com", password: PASSWORD };
    const { text } = await kit.write("POST collections/members/auth-with-password", login, "guest");
    const own = { Authorization: (JSON.parse(text) as { token: string }).token };
    await eventually(async () => (await kit.read(drafts, "guest", own)).cache === "hit", 5_000);
    expect((await kit.read(drafts, "guest", own)).text).toContain(IDS.draft);
    const ended = await fetch(`${kit.hapta.url}/auth/logout`, { method: "POST", headers: own });
    expect(ended.status).toBe(204);
    expect((await kit.read(drafts, "guest", own)).text).not.toContain(IDS.draft);
    expect((await kit.warm(drafts, "ada")).text).toContain(IDS.draft);
  });

  test("CA6 parameters that may mean two things are asked about, and no two reads are one", async () => {
    for (const path of [
      "notices/records?page=1&page=2",
      "notices/records?perPage=1;perPage=2",
      "notices/records?filter=%FF",
      "notices/records?filter=%zz",
    ])
      expect(`${path} ${(await kit.read(path)).cache}`).toBe(`${path} bypass`);
    // A rule reads the parameter `share`; rules that read a header, nobody shares.
    const gate = `gates/records/${IDS.gate}`;
    expect((await kit.read(`${gate}?share=blue`)).status).toBe(200);
    expect((await kit.read(`${gate}?share=red`)).status).toBe(404);
    expect((await kit.read(gate)).status).toBe(404);
    expect((await kit.read(`${gate}?share=blue`)).cache).toBe("hit");
    expect((await kit.read("gates/records", "guest", { "X-Gate": "blue" })).cacheStatus).toContain(
      "detail=rule",
    );
  });

  test("CA7 what separates the parts of a key cannot be smuggled into one", async () => {
    const plain = await kit.warm("notices/records?fields=id&perPage=2");
    const joined = await kit.read("notices/records?fields=id%26perPage%3D2");
    expect(joined.cache).toBe("miss");
    expect(joined.text).not.toBe(plain.text);
    expect((await kit.read("notices/records?fields=id%40public")).cache).toBe("miss");
  });

  test("superusers are never answered from the cache, and fill nothing", async () => {
    const path = "members/records?perPage=9";
    expect((await kit.read(path, "superuser")).cacheStatus).toBe("hapta; fwd=bypass; detail=superuser");
    expect((await kit.read(path)).cache).toBe("miss");
    expect((await kit.read(path, "superuser")).text).toContain("likes tea");
  });
});
