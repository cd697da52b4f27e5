// Refreshes that PocketBase is not asked for: the same answer as its own, and never one from before a change.
import { expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import type { WireResponse } from "../support/wireReader.ts";
import { isUnasked, type Json, type Member, recordIn, sharedRefreshKit, WAYS } from "./refreshKit.ts";
import { call, jsonOf, login, payloadOf, refresh, TEST_MS, verify } from "./support.ts";

const kit = sharedRefreshKit();

/** Everything of an answer but its token and what belongs to one moment. */
const shapeOf = (answer: WireResponse): unknown => {
  const own = new Set(["date", "content-length", "x-request-id", "cache-status"]);
  const headers = answer.headers.filter(([name]) => !own.has(name.toLowerCase()));
  return [answer.status, headers, answer.text.replace(/"token":"[^"]+"/, '"token":""')];
};

test("the answer is PocketBase's to the byte, the session rolls, and no token promises too much", async () => {
  const member = await kit.createMember();
  const before = await kit.settled(member);
  const answer = await refresh(kit.url, before, member.collection);
  expect(isUnasked(answer)).toBe(true);
  const direct = await login(kit.pb.url, member);
  expect(shapeOf(answer)).toEqual(shapeOf(await refresh(kit.pb.url, direct, member.collection)));
  const after = String(jsonOf(answer)["token"]);
  const [old, next] = [payloadOf(before), payloadOf(after)];
  expect(Number(next["gen"])).toBe(Number(old["gen"]) + 1);
  expect(Number(next["exp"])).toBeLessThanOrEqual(Number(payloadOf(direct)["exp"]));
  // The new one is used; now the one before the last is as dead as after any refresh.
  expect(await verify(kit.url, after)).toBe(200);
  const again = await refresh(kit.url, before, member.collection);
  expect(jsonOf(again)["token"]).toBe(after);
});

test("a page of another origin gets what PocketBase would tell it", async () => {
  const member = await kit.createMember();
  const token = await kit.settled(member);
  const headers = [["Origin", "https://app.example"]] as const;
  const path = `/api/collections/${member.collection}/auth-refresh`;
  const direct = await login(kit.pb.url, member);
  const expected = shapeOf(await call(kit.pb.url, { method: "POST", path, headers, token: direct }));
  let current = token;
  let unasked = 0;
  for (let i = 0; i < 4; i++) {
    const answer = await call(kit.url, { method: "POST", path, headers, token: current });
    const exposed = shapeOf(answer) as [number, [string, string][], string];
    exposed[1] = exposed[1].filter(([name]) => name.toLowerCase() !== "access-control-expose-headers");
    expect(exposed).toEqual(expected as typeof exposed);
    current = String(jsonOf(answer)["token"]);
    if (isUnasked(answer)) unasked += 1;
  }
  expect(unasked).toBe(2);
});

test("each session needs PocketBase's own word on it", async () => {
  const member = await kit.createMember();
  await kit.settled(member);
  const other = await login(kit.url, member);
  const first = await refresh(kit.url, other, member.collection);
  expect(isUnasked(first)).toBe(false);
  // The word lasts from then on; but on a busy machine the change feed may be in doubt for a moment.
  await kit.settle(member, String(jsonOf(first)["token"]));
});

const RECORD = ({ collection, id }: Member): string => `/api/collections/${collection}/records/${id}`;

const CHANGES: Readonly<Record<string, { readonly json: Json; readonly shows: Json }>> = {
  "a field": { json: { nick: "Other" }, shows: { nick: "Other" } },
  "who sees the address": { json: { emailVisibility: true }, shows: { emailVisibility: true } },
  "whether it is verified": { json: { verified: true }, shows: { verified: true } },
};

for (const way of WAYS) {
  // What is written past Hapta shows as soon as the feed tells.
  const promptly = async (check: () => Promise<void>): Promise<void> => {
    if (way === "through Hapta") return check();
    await eventually(async () => {
      await check();
      return true;
    }, TEST_MS);
  };

  test.each(Object.entries(CHANGES))(
    `${way}, a change of %s shows at the next refresh`,
    async (_, { json, shows }) => {
      const member = await kit.createMember();
      let token = await kit.settled(member);
      await kit.write(way, { method: "PATCH", path: RECORD(member), json });
      await promptly(async () => {
        const answer = await refresh(kit.url, token, member.collection);
        token = String(jsonOf(answer)["token"]);
        expect(recordIn(answer)).toMatchObject(shows);
      });
      await kit.settle(member, token);
    },
  );

  test(`${way}, a new password and a deletion end it`, async () => {
    const member = await kit.createMember();
    const other = await kit.createMember();
    const [token, gone] = [await kit.settled(member), await kit.settled(other)];
    const json = { password: "another horse 2", passwordConfirm: "another horse 2" };
    await kit.write(way, { method: "PATCH", path: RECORD(member), json });
    await kit.write(way, { method: "DELETE", path: RECORD(other) });
    await promptly(async () => {
      expect((await refresh(kit.url, token, member.collection)).status).toBe(401);
      expect((await refresh(kit.url, gone, member.collection)).status).toBe(401);
    });
  });

  test(`${way}, a new auth rule decides about the next refresh`, async () => {
    const member = await kit.createMember({ authRule: "nick = 'Nick'" });
    let token = await kit.settled(member);
    const path = `/api/collections/${member.collection}`;
    await kit.write(way, { method: "PATCH", path, json: { authRule: "nick = 'Nobody'" } });
    await promptly(async () => {
      const answer = await refresh(kit.url, token, member.collection);
      if (answer.status === 200) token = String(jsonOf(answer)["token"]);
      expect(answer.status).toBeOneOf([401, 403]);
    });
  });

  test(`${way}, a record that the auth rule no longer lets in is refused`, async () => {
    const member = await kit.createMember({ authRule: "nick = 'Nick'" });
    let token = await kit.settled(member);
    await kit.write(way, { method: "PATCH", path: RECORD(member), json: { nick: "Other" } });
    await promptly(async () => {
      const answer = await refresh(kit.url, token, member.collection);
      if (answer.status === 200) token = String(jsonOf(answer)["token"]);
      expect(answer.status).toBeOneOf([401, 403]);
    });
  });

  test(`${way}, a field that is hidden or added shows as such`, async () => {
    const member = await kit.createMember({});
    let token = await kit.settled(member);
    const path = `/api/collections/${member.collection}`;
    const { fields } = await kit.write(way, { path });
    const changed = (fields as Json[]).map((field) =>
      field["name"] === "nick" ? { ...field, hidden: true } : field,
    );
    await kit.write(way, {
      method: "PATCH",
      path,
      json: { fields: [...changed, { name: "more", type: "text" }] },
    });
    await promptly(async () => {
      const answer = await refresh(kit.url, token, member.collection);
      token = String(jsonOf(answer)["token"]);
      expect(Object.keys(recordIn(answer))).toContain("more");
      expect(Object.keys(recordIn(answer))).not.toContain("nick");
    });
  });
}
