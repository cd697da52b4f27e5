// The demo on a real embedded PocketBase: seeded once, resumable, and guarded by the rules it promises.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import PocketBase from "pocketbase";
import { DEMO_PASSWORD, PEOPLE } from "../../src/pocketbase/demo/people.ts";
import { demoId } from "../../src/pocketbase/demo/records.ts";
import { DEMO_LIST_PATH, DEMO_LOGINS, seedDemo } from "../../src/pocketbase/demo/seed.ts";
import type { SuperuserClient } from "../../src/pocketbase/superuser.ts";
import { clientAt, type Instance, rejection, startInstance, startProxy } from "./support.ts";

const COUNTS = {
  users: 20,
  posts: 56,
  comments: 170,
  likes: 198,
  follows: 68,
  bookmarks: 40,
  post_stats: 48,
};
const log = (): void => undefined;

const counts = async (client: SuperuserClient): Promise<Record<string, unknown>> => {
  const totals: Record<string, unknown> = {};
  for (const name of Object.keys(COUNTS)) {
    const { json } = await client.request("GET", `/api/collections/${name}/records?perPage=1`);
    totals[name] = (json as { totalItems: number }).totalItems;
  }
  return totals;
};

describe("the demo", () => {
  let instance: Instance;
  let guest: PocketBase;
  let author: PocketBase;
  let editor: PocketBase;
  const me = demoId("user", 1);
  const signIn = async (index: number): Promise<PocketBase> => {
    const client = new PocketBase(instance.pb.url);
    client.autoCancellation(false);
    await client.collection("users").authWithPassword(PEOPLE[index]?.email ?? "", DEMO_PASSWORD);
    return client;
  };
  const status = async (call: Promise<unknown>): Promise<unknown> =>
    Reflect.get(await rejection(call), "status");

  beforeAll(async () => {
    instance = await startInstance();
    const { client, dataDir } = instance;
    expect(await seedDemo({ client, dataDir, log })).toBe("seeded");
    guest = new PocketBase(instance.pb.url);
    guest.autoCancellation(false);
    [editor, author] = [await signIn(0), await signIn(1)];
  }, 120_000);
  afterAll(() => instance[Symbol.asyncDispose]());

  test("is seeded once", async () => {
    const { client, dataDir } = instance;
    expect(await counts(client)).toEqual(COUNTS);
    expect(await seedDemo({ client, dataDir, log })).toBe("present");
    expect(await counts(client)).toEqual(COUNTS);
    expect(existsSync(join(dataDir, "pb_migrations"))).toBe(false);
  });

  test("gives a guest the list that the banner names, and the logins work", async () => {
    const list = (await (await fetch(`${instance.pb.url}${DEMO_LIST_PATH}`)).json()) as { items: unknown[] };
    expect(list.items).toHaveLength(5);
    expect(DEMO_LOGINS.map((login) => login.role)).toEqual(["editor", "member"]);
    for (const { email, password } of DEMO_LOGINS) {
      await new PocketBase(instance.pb.url).collection("users").authWithPassword(email, password);
    }
  });

  test("shows drafts to their author and to editors, not to guests", async () => {
    const drafts = { filter: 'status = "draft"' };
    const all = await editor.collection("posts").getFullList(drafts);
    expect(all).toHaveLength(8);
    expect(await guest.collection("posts").getFullList(drafts)).toEqual([]);
    const published = await guest.collection("posts").getFullList();
    expect(published.map((post) => post["status"])).toEqual(Array(48).fill("published"));
    expect(await status(guest.collection("posts").getOne(all[0]?.id ?? ""))).toBe(404);
    const own = await author.collection("posts").getFullList(drafts);
    expect(own.every((post) => post["author"] === me)).toBe(true);
    expect((await guest.collection("post_stats").getFullList()).length).toBe(48);
  });

  test("lets authors write their own posts only", async () => {
    const posts = author.collection("posts");
    expect(await status(guest.collection("posts").create({ author: me, title: "x", status: "draft" }))).toBe(
      400,
    );
    expect(await status(posts.create({ author: demoId("user", 2), title: "x", status: "draft" }))).toBe(400);
    const made = await posts.create({ author: me, title: "A draft", status: "draft" });
    expect((await posts.update(made.id, { title: "Better" }))["title"]).toBe("Better");
    expect(await status(posts.update(made.id, { author: demoId("user", 2) }))).toBe(404);
    const foreign = await posts.getFirstListItem(`author != "${me}"`);
    expect(await status(posts.update(foreign.id, { title: "mine now" }))).toBe(404);
    expect(await status(posts.delete(foreign.id))).toBe(404);
    expect(
      await status(author.collection("comments").create({ post: made.id, author: me, text: "on a draft" })),
    ).toBe(400);
    expect(await posts.delete(made.id)).toBe(true);
  });

  test("takes comments from the signed-in and a like once a person and post", async () => {
    const post = (await guest.collection("posts").getFullList())[47]?.id ?? "";
    expect(await status(guest.collection("comments").create({ post, author: me, text: "hi" }))).toBe(400);
    const comment = await author.collection("comments").create({ post, author: me, text: "hi" });
    await author.collection("comments").delete(comment.id);
    expect(await guest.collection("likes").getFullList()).toEqual([]);
    const mine = await author.collection("likes").getFirstListItem(`user = "${me}"`);
    expect(await status(author.collection("likes").create({ post: mine["post"], user: me }))).toBe(400);
    expect(await status(author.collection("likes").update(mine.id, { post }))).toBe(403);
  });

  test("keeps follows between two and bookmarks, with their attachments, to one", async () => {
    expect(await guest.collection("follows").getFullList()).toEqual([]);
    const follows = await author.collection("follows").getFullList();
    expect(follows.length).toBeGreaterThan(0);
    expect(follows.every((follow) => [follow["follower"], follow["followed"]].includes(me))).toBe(true);
    expect(await guest.collection("bookmarks").getFullList()).toEqual([]);
    const bookmarks = await author.collection("bookmarks").getFullList();
    expect(bookmarks.every((bookmark) => bookmark["user"] === me)).toBe(true);
    const { json } = await instance.client.request(
      "GET",
      `/api/collections/bookmarks/records/${demoId("book", 0)}`,
    );
    const { attachment, user } = json as { attachment: string; user: string };
    const url = `${instance.pb.url}/api/files/bookmarks/${demoId("book", 0)}/${attachment}`;
    const owner = await signIn(PEOPLE.findIndex((_, index) => demoId("user", index) === user));
    const other = user === me ? editor : author;
    expect((await fetch(url)).status).toBe(404);
    expect((await fetch(`${url}?token=${await other.files.getToken()}`)).status).toBe(404);
    expect(await (await fetch(`${url}?token=${await owner.files.getToken()}`)).text()).toContain(
      "Only the owner",
    );
  });

  test("lets nobody give himself a role, and serves avatars and thumbnails", async () => {
    expect(await status(author.collection("users").update(me, { role: "editor" }))).toBe(404);
    expect((await author.collection("users").update(me, { bio: "Changed." }))["bio"]).toBe("Changed.");
    const signUp = { email: "new@example.com", password: "long-enough", passwordConfirm: "long-enough" };
    expect(await status(guest.collection("users").create({ ...signUp, role: "editor" }))).toBe(400);
    const user = await guest.collection("users").getOne(me);
    const avatar = await fetch(guest.files.getURL(user, user["avatar"]));
    expect(avatar.headers.get("content-type")).toBe("image/svg+xml");
    const post = await guest.collection("posts").getOne(demoId("post", 0));
    const bytesOf = async (thumb?: string): Promise<Uint8Array> => {
      const url = guest.files.getURL(post, post["image"], thumb === undefined ? {} : { thumb });
      return new Uint8Array(await (await fetch(url)).arrayBuffer());
    };
    // Width and height stand in bytes 16 to 23 of a PNG.
    const sizeOf = (png: Uint8Array): number[] =>
      [16, 20].map((at) => new DataView(png.buffer).getUint32(at));
    expect(sizeOf(await bytesOf())).toEqual([640, 360]);
    expect(sizeOf(await bytesOf("320x180"))).toEqual([320, 180]);
  });
});

test("seedDemo goes on after interruptions at any step, without doubles", async () => {
  await using instance = await startInstance();
  const { dataDir, pb } = instance;
  for (const callsLeft of [5, 11, 17, 21, 24]) {
    let calls = 0;
    using proxy = startProxy(pb.url, (_, path) => {
      calls += path.includes("auth-with-password") ? 0 : 1;
      return calls > callsLeft
        ? Response.json({ status: 503, message: "Gone.", data: {} }, { status: 503 })
        : undefined;
    });
    const error = await rejection(seedDemo({ client: clientAt(proxy.url, pb), dataDir, log }));
    expect(error.message).toMatch(
      /^The demo could not be seeded: PocketBase refused to .* \(status 503: Gone\.\)\.$/,
    );
  }
  expect(await seedDemo({ client: instance.client, dataDir, log })).toBe("seeded");
  expect(await counts(instance.client)).toEqual(COUNTS);
}, 120_000);

test("seedDemo writes a few at a time where a batch is more than PocketBase manages", async () => {
  await using instance = await startInstance();
  const { client, dataDir } = instance;
  await client.request("PATCH", "/api/settings", { batch: { enabled: true, maxRequests: 13, timeout: 3 } });
  expect(await seedDemo({ client, dataDir, log })).toBe("seeded");
  expect(await counts(client)).toEqual(COUNTS);
}, 120_000);

test("seedDemo leaves an instance alone that holds the user's own", async () => {
  await using instance = await startInstance();
  const { client, dataDir } = instance;
  await client.request("POST", "/api/collections", { name: "own", type: "base", fields: [] });
  expect(await seedDemo({ client, dataDir, log })).toBe("skipped");
  expect((await client.request("GET", "/api/collections/posts")).status).toBe(404);
});
