// A login that ended while the change feed was away, or Hapta was, gets nothing that is kept for its former owner.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { startHapta } from "../support/hapta.ts";
import { createScratch } from "../support/scratch.ts";
import { type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const DRAFTS = "articles/records?filter=(published=false)";

const login = async (): Promise<Readonly<Record<string, string>>> => {
  const { text } = await kit.write(
    "POST collections/members/auth-with-password",
    { identity: "ada@example.com", password: PASSWORD },
    "guest",
  );
  return { Authorization: (JSON.parse(text) as { token: string }).token };
};

test("law 2: a password changed past Hapta while the feed was cut ends what the old login gets from the cache", async () => {
  expect((await kit.warm(DRAFTS, "ada")).text).toContain(IDS.draft);
  kit.relay.cutFeed();
  await eventually(async () => (await kit.read(DRAFTS, "ada")).cache === "bypass", 10_000);
  const password = { password: PASSWORD, passwordConfirm: PASSWORD };
  expect((await kit.behind(`PATCH collections/members/records/${IDS.ada}`, password)).status).toBe(200);
  kit.relay.heal();
  const fresh = await login();
  const kept = await eventually(async () => {
    const one = await kit.read(DRAFTS, "guest", fresh);
    return one.cache === "hit" ? one : undefined;
  }, 20_000);
  expect(kept.text).toContain(IDS.draft);
  expect((await kit.read(DRAFTS, "ada")).text).not.toContain(IDS.draft);
  expect((await kit.read(DRAFTS, "guest", fresh)).text).toContain(IDS.draft);
});

test("law 2: so does one that was changed while Hapta was down", async () => {
  using scratch = createScratch("gap");
  const options = {
    config: { Cache: { isEnabled: true, VerifyRate: 0 } },
    env: { HAPTA_DATA_DIR: scratch.path },
  };
  const url = (hapta: { readonly url: string }): string => `${hapta.url}/api/collections/`;
  const identity = { identity: "ben@example.com", password: PASSWORD };
  const loginAt = async (at: string): Promise<string> => {
    const response = await fetch(`${at}members/auth-with-password`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(identity),
    });
    return ((await response.json()) as { token: string }).token;
  };
  const readAt = async (at: string, token: string) => {
    const response = await fetch(`${at}members/records/${IDS.ben}?fields=email`, {
      headers: { Authorization: token },
    });
    return { text: await response.text(), status: response.headers.get("cache-status") };
  };
  const before = await startHapta(kit.upstream, options);
  const old = await loginAt(url(before));
  expect((await readAt(url(before), old)).text).toContain("ben@example.com");
  await before[Symbol.asyncDispose]();
  const password = { password: PASSWORD, passwordConfirm: PASSWORD };
  expect((await kit.behind(`PATCH collections/members/records/${IDS.ben}`, password)).status).toBe(200);
  await using after = await startHapta(kit.upstream, options);
  const fresh = await loginAt(url(after));
  await eventually(async () => (await readAt(url(after), fresh)).status === "hapta; hit", 20_000);
  expect((await readAt(url(after), fresh)).text).toContain("ben@example.com");
  expect((await readAt(url(after), old)).text).not.toContain("ben@example.com");
});
