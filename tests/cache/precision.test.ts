// What a change does not touch stays: other records, lists of other values, lists that show none of the changed fields.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { ADMIN_KEY, type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const ESSAYS = "articles/records?filter=(kind='essay')&sort=id";
const NEWS = "articles/records?filter=(kind='news')&sort=id";
const NEWS_ARTICLE = `collections/articles/records/${IDS.news}`;

/** Warms all, changes something, and expects which of them are answered from the cache afterwards. */
const expectLeft = async (
  paths: readonly string[],
  change: () => Promise<{ readonly status: number }>,
  left: readonly string[],
): Promise<void> => {
  // Now and then the feed is later than a write waits for it, and then everything goes.
  await eventually(async () => {
    for (const path of paths) await kit.warm(path);
    expect((await change()).status).toBeLessThan(300);
    const caches = await Promise.all(paths.map(async (path) => [path, (await kit.read(path)).cache]));
    expect(caches.filter(([, cache]) => cache === "hit").map(([path]) => path)).toEqual([...left]);
    return true;
  }, 15_000);
};

describe("a change leaves alone", () => {
  test("the reads of other records", async () => {
    const [one, other] = ["notices/records/notice000000001", "notices/records/notice000000002"];
    const rename = () => kit.write(`PATCH collections/${one}`, { title: `T ${performance.now()}` });
    await expectLeft([one, other], rename, [other]);
  });

  test("lists of another value, when a record comes or goes", async () => {
    const id = "articleborn0001";
    await expectLeft([ESSAYS, NEWS], async () => {
      await kit.write(`DELETE collections/articles/records/${id}`);
      for (const path of [ESSAYS, NEWS]) await kit.warm(path);
      return kit.write("POST collections/articles/records", {
        id,
        title: "Born",
        kind: "news",
        published: true,
      });
    }, [ESSAYS]);
    expect((await kit.read(NEWS)).text).toContain(id);
    await expectLeft([ESSAYS, NEWS], async () => {
      await kit.write("POST collections/articles/records", {
        id,
        title: "Born",
        kind: "news",
        published: true,
      });
      for (const path of [ESSAYS, NEWS]) await kit.warm(path);
      const deleted = await kit.behind(`DELETE collections/articles/records/${id}`);
      await eventually(async () => !(await kit.read(NEWS)).text.includes(id), 2_000);
      return deleted;
    }, [ESSAYS, NEWS]);
  });

  test("lists of another value, and lists of other fields, when it is known what a record was", async () => {
    const titles = "articles/records?fields=id,title&sort=id";
    const views = "articles/records?fields=id,views&sort=id";
    let count = 0;
    const view = () => kit.write(`PATCH ${NEWS_ARTICLE}`, { views: ++count });
    await expectLeft([ESSAYS, titles, views], view, [ESSAYS, titles]);
    expect((await kit.read(views)).text).toContain(`"views":${count}`);
    // It leaves one list and enters the other.
    await kit.write(`PATCH ${NEWS_ARTICLE}`, { kind: "essay" });
    expect((await kit.read(ESSAYS)).text).toContain(`"id":"${IDS.news}"`);
    expect((await kit.read(NEWS)).text).not.toContain(`"id":"${IDS.news}"`);
    await kit.write(`PATCH ${NEWS_ARTICLE}`, { kind: "news" });
    expect((await kit.read(ESSAYS)).text).not.toContain(`"id":"${IDS.news}"`);
  });

  test("lists that show all their records, when one has changed of which nobody has told what it was", async () => {
    const idOf = (i: number): string => `unheard${String(i).padStart(8, "0")}`;
    // Past the API nobody hears of them.
    const rows = Array.from({ length: 120 }, (_, i) => `('${idOf(i)}', 'Unheard ${i}')`).join();
    const made = await kit.behind("POST sql", { query: `INSERT INTO articles (id, title) VALUES ${rows}` });
    expect(`${made.status} ${made.text}`).toStartWith("2");
    const [one = "", other = ""] = [0, 1].map((i) => `articles/records?filter=(title='Unheard ${i}')`);
    let last = 2;
    const change = (id: string, title: string) =>
      kit.write(`PATCH collections/articles/records/${id}`, { title });
    await expectLeft([one, other], () => change(idOf(++last), "Heard"), [one, other]);
    // It is shown, but nobody can tell from the answer which it is.
    const shortened = "articles/records?filter=(title='Unheard 2')&fields=title,id:excerpt(5)";
    expect((await kit.warm(shortened)).text).toContain('"id":"unhea"');
    await kit.warm(one);
    await kit.behind(`PATCH collections/articles/records/${idOf(2)}`, { title: "Unheard 1" });
    await eventually(async () => !(await kit.read(shortened)).text.includes("unhea"), 5_000);
    expect((await kit.read(other)).text).toContain(idOf(2));
    await change(idOf(0), "Unheard 1");
    expect((await kit.read(one)).text).not.toContain(idOf(0));
    expect((await kit.read(other)).text).toContain(idOf(0));
  });

  test("how precise that was is told", async () => {
    const response = await fetch(`${kit.hapta.url}/hapta/cache`, {
      headers: { Authorization: `Bearer ${ADMIN_KEY}` },
    });
    const state = (await response.json()) as Record<string, number>;
    expect(state["changes"]).toBeGreaterThan(3);
    expect(state["spared"]).toBeGreaterThan(3);
    expect(state["kinds"]).toBeGreaterThan(state["spared"] ?? 0);
    expect(state["renewed"]).toBeGreaterThan(3);
    expect(state["needless"]).toBeLessThan(state["renewed"] ?? 0);
  });
});

test("a record that is not there, and a locked list, are kept until that changes", async () => {
  const missing = "notices/records/noticemissing01";
  expect((await kit.warm(missing)).status).toBe(404);
  await kit.write("POST collections/notices/records", { title: "Another" });
  await kit.write("POST collections/notices/records", { id: "noticemissing01", title: "There" });
  expect((await kit.read(missing)).text).toContain("There");
  await kit.warm(missing);
  await kit.behind(`DELETE collections/${missing}`);
  await eventually(async () => (await kit.read(missing)).status === 404, 2_000);
  await kit.write("PATCH collections/notices", { viewRule: "member.name = 'Ada'" });
  const hidden = "notices/records/notice000000007";
  const before = await kit.warm(hidden);
  await kit.write(`PATCH collections/members/records/${IDS.ada}`, { name: "Nobody" });
  await kit.write(`PATCH collections/members/records/${IDS.ben}`, { name: "Ada" });
  expect((await kit.read(hidden)).status).not.toBe(before.status);
  await kit.write("PATCH collections/notices", { listRule: null, viewRule: "" });
  expect((await kit.warm("notices/records")).status).toBe(403);
  await kit.write("PATCH collections/notices", { listRule: "" });
  expect((await kit.read("notices/records")).status).toBe(200);
});
