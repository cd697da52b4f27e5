// Whoever has seen a write that is not acknowledged yet is never given the older value afterwards, whichever way the read
// took that showed it. PocketBase has written, but its answer and its events are held on their way to Hapta.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { ADMIN_KEY, type CacheKit, startCacheKit, type Who } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const NOTICE = "notices/records/notice000000001";
let value = 0;
let title = "";
beforeEach(() => {
  value += 1;
  title = `Value ${value}`;
});

/** Sends a write that PocketBase has done and Hapta has not heard of. @returns its end, when it may be acknowledged. */
const writeUnheard = async (): Promise<() => Promise<void>> => {
  const lets = [kit.relay.hold("GET /api/realtime"), kit.relay.hold(`PATCH /api/collections/${NOTICE}`)];
  const write = kit.write(`PATCH collections/${NOTICE}`, { title });
  await eventually(async () => (await kit.behind(`GET collections/${NOTICE}`)).text.includes(title), 10_000);
  return async () => {
    for (const release of lets) release();
    expect((await write).status).toBe(200);
  };
};

/** What everybody may read is not older than what somebody has just seen. */
const expectNew = async (seen: string): Promise<void> => {
  expect(seen).toContain(title);
  expect((await kit.read(NOTICE)).text).toContain(title);
};

const joinedCount = async (): Promise<number> => {
  const response = await fetch(`${kit.hapta.url}/hapta/cache`, {
    headers: { Authorization: `Bearer ${ADMIN_KEY}` },
  });
  return ((await response.json()) as { joined: number }).joined;
};

describe("a write that PocketBase shows before it counts is never unseen again after", () => {
  const reads: readonly { readonly how: string; readonly path: string; readonly who?: Who }[] = [
    { how: "a miss", path: "notices/records?perPage=3" },
    { how: "a read that may mean two things", path: `${NOTICE}?page=1&page=2` },
    { how: "a superuser's read", path: NOTICE, who: "superuser" },
  ];
  for (const { how, path, who } of reads)
    test(how, async () => {
      await kit.warm(NOTICE);
      const end = await writeUnheard();
      await expectNew((await kit.read(path, who)).text);
      await end();
      await expectNew((await kit.read(NOTICE)).text);
    });

  test("a HEAD", async () => {
    await kit.warm(NOTICE);
    const end = await writeUnheard();
    await fetch(`${kit.hapta.url}/api/collections/${NOTICE}?fields=id,title`, { method: "HEAD" });
    await expectNew((await kit.read(NOTICE)).text);
    await end();
  });

  test("a read that waited for somebody else's and got nothing", async () => {
    await kit.write("PATCH collections/notices", { listRule: '@request.auth.id != ""' });
    const list = "notices/records?perPage=4";
    const before = await joinedCount();
    const release = kit.relay.hold(`GET /api/collections/${list}`);
    const first = kit.read(list, "ada");
    await kit.relay.arrival(`GET /api/collections/${list}`);
    const second = kit.read(list, "ben");
    await eventually(async () => (await joinedCount()) > before, 10_000);
    // What the first is asking for will not be kept, so the second asks for itself.
    expect((await kit.write("POST collections/notices/records", { title: "Another" })).status).toBe(200);
    await kit.warm(NOTICE);
    const end = await writeUnheard();
    release();
    await expectNew((await second).text);
    await end();
    expect((await first).status).toBe(200);
    await kit.write("PATCH collections/notices", { listRule: "" });
  });
});

test("an answer to a write that shows another record waits as well", async () => {
  const comment = "collections/comments/records/commentone00001";
  const article = `articles/records/${IDS.news}`;
  await kit.warm(article);
  const lets = [kit.relay.hold("GET /api/realtime"), kit.relay.hold(`PATCH /api/collections/${article}`)];
  const write = kit.write(`PATCH collections/${article}`, { title });
  await eventually(async () => (await kit.behind(`GET collections/${article}`)).text.includes(title), 10_000);
  const shown = await kit.write(`PATCH ${comment}?expand=article`, { words: "Again" });
  expect(shown.text).toContain(title);
  expect((await kit.read(article)).text).toContain(title);
  for (const release of lets) release();
  expect((await write).status).toBe(200);
});

test("who is told of a change by realtime and asks at once gets nothing older, although the feed is behind", async () => {
  await kit.warm(NOTICE);
  // The feed's streams say nothing any more; the client's own, which comes now, does.
  kit.relay.swallow();
  using stream = await openEventStream(kit.hapta.url);
  const subscribed = await kit.write(
    "POST realtime",
    { clientId: stream.clientId, subscriptions: ["notices/*"] },
    "guest",
  );
  expect(subscribed.status).toBe(204);
  await kit.behind(`PATCH collections/${NOTICE}`, { title });
  await stream.contains(title, 10_000);
  await expectNew((await kit.read(NOTICE)).text);
  kit.relay.heal();
});
