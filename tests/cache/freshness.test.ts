// Nothing older is answered than what was acknowledged, and nothing at all while changes might go unheard: CA4, CA9,
// CA14, cascades, rules, and the change feed.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { talk } from "../adversarial/rawClient.ts";
import { eventually } from "../support/eventually.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { ADMIN_KEY, type CacheKit, startCacheKit, type Who } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const NOTICE = "notices/records/notice000000001";

/** Warms a read, writes, and expects the next answer to come from PocketBase with `text` in it, or without. */
const expectFresh = async (
  path: string,
  write: () => Promise<unknown>,
  how: { who?: Who; has?: string; lacks?: string },
) => {
  await kit.warm(path, how.who);
  await write();
  const after = await kit.read(path, how.who);
  expect(`${path} ${after.cache}`).not.toBe(`${path} hit`);
  if (how.has !== undefined) expect(after.text).toContain(how.has);
  if (how.lacks !== undefined) expect(after.text).not.toContain(how.lacks);
};

describe("a write through Hapta counts at the next read:", () => {
  // The feed says nothing here: Hapta has to know by itself.
  test("update, create, delete, batch", async () => {
    await expectFresh(NOTICE, () => kit.write(`PATCH collections/${NOTICE}`, { title: "Changed once" }), {
      has: "Changed once",
    });
    await expectFresh(
      "notices/records?sort=-count",
      () => kit.write(`PATCH collections/${NOTICE}`, { title: "Changed twice" }),
      {
        has: "Changed twice",
      },
    );
    const missing = "notices/records/noticeborn00001";
    await expectFresh(
      missing,
      () => kit.write("POST collections/notices/records", { id: "noticeborn00001", title: "Born" }, "ada"),
      {
        has: "Born",
      },
    );
    await expectFresh(missing, () => kit.write(`DELETE collections/${missing}`, undefined, "ada"), {
      has: "404",
    });
    const url = `/api/collections/${NOTICE}`;
    const batch = { requests: [{ method: "PATCH", url, body: { title: "In a batch" } }] };
    await expectFresh(NOTICE, () => kit.write("POST batch", batch, "ada"), { has: "In a batch" });
  });

  test("what is expanded, joined, counted, cascaded and unset", async () => {
    const expanded = "comments/records?expand=article";
    const article = `collections/articles/records/${IDS.essay}`;
    await expectFresh(
      expanded,
      () => kit.write(`PATCH collections/articles/records/${IDS.news}`, { title: "Bridge shut" }),
      {
        has: "Bridge shut",
      },
    );
    await expectFresh("articleStats/records", () => kit.write(`PATCH ${article}`, { title: "On streams" }), {
      has: "On streams",
    });
    await expectFresh(
      "notices/records?filter=(member.name='Ada')&perPage=1",
      () => kit.write(`PATCH collections/members/records/${IDS.ada}`, { name: "Adah" }),
      { has: '"totalItems":0' },
    );
    await kit.write(`PATCH collections/members/records/${IDS.ada}`, { name: "Ada" });
    await kit.write("POST collections/articles/records", {
      id: "articlegone0001",
      title: "Gone soon",
      published: true,
    });
    await kit.write("POST collections/comments/records", {
      id: "commentgone0001",
      article: "articlegone0001",
      words: "Bye",
    });
    await kit.write("PATCH collections/articles/records/articleessay001", { related: ["articlegone0001"] });
    await kit.warm(`articles/records/${IDS.essay}`);
    await expectFresh(
      "comments/records?sort=id",
      () => kit.write("DELETE collections/articles/records/articlegone0001"),
      {
        lacks: "commentgone0001",
      },
    );
    const unset = await kit.read(`articles/records/${IDS.essay}`);
    expect(unset.text).not.toContain("articlegone0001");
  });

  // The feed tells nothing of raw SQL, and of a truncation only later.
  test("raw SQL and truncation", async () => {
    for (let i = 1; i <= 10; i++) {
      const query = `UPDATE notices SET title = 'By SQL, ${i}' WHERE id = 'notice000000002'`;
      const write = () => kit.write("POST sql", { query });
      await expectFresh("notices/records/notice000000002", write, { has: `By SQL, ${i}` });
    }
    await expectFresh("profiles/records", () => kit.write("DELETE collections/profiles/truncate"), {
      has: '"totalItems":0',
    });
  });

  test("rules and fields", async () => {
    const path = "notices/records?perPage=1";
    await expectFresh(
      path,
      () => kit.write("PATCH collections/notices", { listRule: "@request.auth.role = 'writer'" }),
      {
        has: '"totalItems":0',
      },
    );
    expect((await kit.read(path, "ada")).text).not.toContain('"totalItems":0');
    await kit.write("PATCH collections/notices", { listRule: "" });
    expect((await kit.read(path)).text).not.toContain('"totalItems":0');
  });
});

describe("CA4", () => {
  test("a read that began before a write and ended after it is not kept", async () => {
    const path = `${NOTICE}?fields=title`;
    const release = kit.relay.hold(`GET /api/collections/${path}`);
    const early = kit.read(path);
    await kit.relay.answered(`GET /api/collections/${path}`);
    await kit.write(`PATCH collections/${NOTICE}`, { title: "Overtaken" });
    const late = kit.read(path);
    release();
    expect((await early).text).toContain("In a batch");
    expect((await late).text).toContain("Overtaken");
    expect((await kit.read(path)).text).toContain("Overtaken");
  });

  test("while a write is under way the older value is given until it counts, and never after the newer one", async () => {
    const list = "notices/records?filter=(id='notice000000001')";
    await kit.warm(NOTICE);
    await kit.warm(list);
    const release = kit.relay.hold(`PATCH /api/collections/${NOTICE}`);
    let isOver = false;
    const write = kit.write(`PATCH collections/${NOTICE}`, { title: "Slow to answer" });
    const readers = [NOTICE, list, `${NOTICE}?fields=id,title`, "notices/records?perPage=30"].map(
      async (_, first, paths) => {
        for (let i = first, hasSeen = false; !isOver; i++) {
          const { text } = await kit.read(paths[i % paths.length] ?? NOTICE);
          const isNew = text.includes("Slow to answer");
          if (hasSeen && !isNew) throw new Error(`${paths[i % paths.length]} went back`);
          hasSeen ||= isNew;
        }
        return "never back";
      },
    );
    await eventually(async () => (await kit.read(NOTICE)).text.includes("Slow to answer"), 5_000);
    release();
    await write;
    expect((await kit.read(NOTICE)).text).toContain("Slow to answer");
    isOver = true;
    expect(await Promise.all(readers)).toEqual(readers.map(() => "never back"));
  });

  test("a write that was refused moves nothing", async () => {
    await kit.warm(NOTICE);
    await eventually(async () => {
      expect((await kit.write(`PATCH collections/${NOTICE}`, { title: "" }, "ada")).status).toBe(400);
      return (await kit.read(NOTICE)).cache === "hit";
    }, 5_000);
  });
});

describe("a write past Hapta", () => {
  test("counts within milliseconds", async () => {
    await kit.warm(NOTICE);
    await kit.behind(`PATCH collections/${NOTICE}`, { title: "From behind" });
    await eventually(async () => (await kit.read(NOTICE)).text.includes("From behind"), 1_000);
  });

  test("a rule changed past Hapta counts within two seconds", async () => {
    const path = "notices/records?perPage=2";
    await kit.warm(path);
    await kit.behind("PATCH collections/notices", { listRule: "id = ''" });
    await eventually(async () => (await kit.read(path)).text.includes('"totalItems":0'), 3_000);
    await kit.write("PATCH collections/notices", { listRule: "" });
  });

  test("a feed that is cut closes the cache, and opens it again when it is back", async () => {
    await kit.warm(NOTICE);
    kit.relay.cutFeed();
    const isClosed = async () => (await kit.read(NOTICE)).cacheStatus === "hapta; fwd=bypass; detail=feed";
    await eventually(isClosed, 500);
    await kit.behind(`PATCH collections/${NOTICE}`, { title: "While it was cut" });
    expect((await kit.read(NOTICE)).text).toContain("While it was cut");
    kit.relay.heal();
    expect((await kit.warm(NOTICE)).text).toContain("While it was cut");
  });

  test("a feed that falls silent closes the cache within ten seconds", async () => {
    await kit.warm(NOTICE);
    kit.relay.silenceFeed();
    await kit.behind(`PATCH collections/${NOTICE}`, { title: "Nobody heard" });
    await eventually(async () => (await kit.read(NOTICE)).text.includes("Nobody heard"), 10_000);
    kit.relay.heal();
    expect((await kit.warm(NOTICE)).text).toContain("Nobody heard");
  });
});

describe("callers", () => {
  test("what a caller may see changes with their own record, from behind too", async () => {
    await kit.write("PATCH collections/notices", { listRule: "@request.auth.role = 'writer'" });
    const path = "notices/records?perPage=1&skipTotal=1";
    expect((await kit.warm(path, "ada")).text).toContain("title");
    await kit.behind(`PATCH collections/members/records/${IDS.ada}`, { role: "reader" });
    await eventually(async () => !(await kit.read(path, "ada")).text.includes("title"), 1_000);
    await kit.write(`PATCH collections/members/records/${IDS.ada}`, { role: "writer" });
    expect((await kit.read(path, "ada")).text).toContain("title");
    await kit.write("PATCH collections/notices", { listRule: "" });
  });

  test("a caller whose password changed past Hapta is a guest, also to what was kept", async () => {
    const path = "articles/records?filter=(published=false)";
    expect((await kit.warm(path, "ada")).text).toContain(IDS.draft);
    await kit.behind(`PATCH collections/members/records/${IDS.ada}`, {
      password: PASSWORD,
      passwordConfirm: PASSWORD,
    });
    await eventually(async () => !(await kit.read(path, "ada")).text.includes(IDS.draft), 2_000);
    expect((await kit.read(path, "ada")).text).not.toContain(IDS.draft);
  });
});

describe("CA14", () => {
  const joined = async (): Promise<number> => {
    const headers = { Authorization: `Bearer ${ADMIN_KEY}` };
    const state = await fetch(`${kit.hapta.url}/hapta/cache`, { headers });
    return ((await state.json()) as { joined: number }).joined;
  };

  // Who comes while the feed is in doubt asks alone; on a busy machine that may be some of so many.
  test("five hundred guests at once are one question", async () => {
    let perPage = 100;
    const attempt = async (): Promise<readonly string[] | undefined> => {
      await kit.warm(NOTICE);
      perPage += 1;
      const path = `/api/collections/notices/records?perPage=${perPage}`;
      const before = await joined();
      const release = kit.relay.hold(`GET ${path}`);
      const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
      const all = Array.from({ length: 500 }, () => talk(kit.hapta.port, head, 30_000));
      const isOne = eventually(async () => (await joined()) === before + 499, 4_000).catch(() => false);
      await isOne;
      release();
      const bodies = (await Promise.all(all)).map(({ text }) => text.slice(text.indexOf("\r\n\r\n")));
      return (await isOne) && kit.relay.count(`GET ${path}`) === 1 ? bodies : undefined;
    };
    const bodies = await eventually(attempt, 60_000);
    expect(new Set(bodies).size).toBe(1);
    expect(bodies[0]).toContain('"items":[{');
  }, 120_000);

  test("when PocketBase fails, each of them hears of it, and nothing is kept", async () => {
    const path = "notices/records?perPage=12";
    const failure = "HTTP/1.1 503 Down\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    const restore = kit.relay.replace(`GET /api/collections/${path}`, failure, false);
    const all = await Promise.all(Array.from({ length: 50 }, () => kit.read(path)));
    expect(all.map(({ status }) => status).filter((status) => status < 500)).toEqual([]);
    restore();
    const good = await kit.read(path);
    expect(good.status).toBe(200);
    expect(good.cache).not.toBe("hit");
  });
});
