import { expect, test } from "bun:test";
import { HOUR, idOf, LAPTOP, startSessions } from "../../tests/support/sessionKit.ts";
import type { PagePlace, PageQuery } from "./sessionPages.ts";

test("pages go through all live sessions once, newest first, also those of one moment", async () => {
  using kit = startSessions();
  const made: string[] = [];
  for (let at = 0; at < 25; at++) {
    const token = await kit.login({ uid: `user${at % 3}`, cid: at % 2 === 0 ? "even" : "odd" });
    made.unshift(await idOf(kit, token));
    if (at % 4 === 0) kit.clock.advance(1_000);
  }
  const all = (query: Partial<PageQuery>): string[] => {
    const ids: string[] = [];
    for (let after: PagePlace | undefined, page = 0; page === 0 || after !== undefined; page++) {
      const found = kit.sessions.page({ limit: 4, ...query, after });
      expect(found.sessions.length).toBeLessThanOrEqual(4);
      ids.push(...found.sessions.map(({ id }) => id));
      after = found.next;
    }
    return ids;
  };
  expect(all({})).toEqual(made);
  expect(all({ cid: "even" })).toEqual(made.filter((_, at) => at % 2 === 0));
  expect(all({ cid: "odd", uid: "user1" })).toHaveLength(4);
  expect(all({ appId: "app" })).toEqual([]);
  await kit.sessions.revoke({ kind: "session", id: made[3] ?? "" }, { reason: "test" });
  await kit.sessions.revoke({ kind: "collection", cid: "odd" }, { reason: "test" });
  expect(all({})).toEqual(made.filter((_, at) => at % 2 === 0));
  kit.clock.advance(8 * 24 * HOUR);
  expect(all({})).toEqual([]);
});

test("an app's sessions are found by the app", async () => {
  using kit = startSessions();
  await kit.login();
  const token = await kit.login({ presenter: { ...LAPTOP, appId: "shop" } });
  const page = kit.sessions.page({ appId: "shop", limit: 10 });
  expect(page.sessions.map(({ id, appId }) => [id, appId])).toEqual([[await idOf(kit, token), "shop"]]);
});

test("no page holds a secret", async () => {
  using kit = startSessions();
  const token = await kit.login();
  const text = JSON.stringify(kit.sessions.page({ limit: 10 }));
  expect(text).not.toContain("canary");
  for (const part of token.split(".")) expect(text).not.toContain(part);
});
