// Answers to refreshes without a server: which are kept, for how long, and within which bound.
import { expect, test } from "bun:test";
import { KeptRefreshes, type RefreshAnswer } from "./keptRefreshes.ts";
import { Versions } from "./versions.ts";

const PLAIN = ["Content-Type", "application/json", "Vary", "Origin"];
const part = (json: unknown): string => Buffer.from(JSON.stringify(json)).toString("base64url");
const upstreamToken = (exp: number): string =>
  `${part({ alg: "HS256", typ: "JWT" })}.${part({ id: "u1", collectionId: "c1", type: "auth", exp })}.${"s".repeat(43)}`;

const setUp = (bytesMax?: number) => {
  const versions = new Versions();
  const refreshes = new KeptRefreshes(bytesMax);
  let asked = 0;
  const learn = (
    answer: Partial<RefreshAnswer> & { readonly record?: string; readonly key?: string } = {},
  ) => {
    const token = upstreamToken(++asked);
    const { key = "u", record = '{"id":"u1"}', ...more } = answer;
    const text = `{"record":${record},"token":"${token}"}\n`;
    const lease = versions.lease(["r:c1/u1"]);
    refreshes.learn(key, { headers: PLAIN, text, token, lease, sinceMs: asked, ...more });
  };
  return { versions, refreshes, learn };
};

test("what PocketBase said twice is kept without its token, under the older lease", () => {
  const { refreshes, learn } = setUp();
  learn({ headers: [...PLAIN, "Date", "now", "Content-Length", "9"] });
  expect(refreshes.find("u")).toBeUndefined();
  learn();
  expect(refreshes.find("u")).toMatchObject({
    headers: PLAIN,
    before: '{"record":{"id":"u1"},"token":',
    behind: "}\n",
    sinceMs: 1,
  });
  expect(refreshes.find("other")).toBeUndefined();
});

test("a change ends it, also one between PocketBase's answer and its arrival", () => {
  const { versions, refreshes, learn } = setUp();
  learn();
  learn();
  versions.move(["r:c1/u1"], "a write");
  expect(refreshes.find("u")).toBeUndefined();
  learn();
  expect(refreshes.find("u")).toBeUndefined();
  const lease = versions.lease(["r:c1/u1"]);
  versions.move(["r:c1/u1"], "a write");
  learn({ lease });
  expect(refreshes.find("u")).toBeUndefined();
});

test("an answer that differs begins anew", () => {
  const { refreshes, learn } = setUp();
  for (const record of ['{"n":1}', '{"n":2}', '{"n":3}']) learn({ record });
  expect(refreshes.find("u")).toBeUndefined();
  learn({ record: '{"n":3}', headers: [...PLAIN, "X-N", "1"] });
  expect(refreshes.find("u")).toBeUndefined();
});

const UNKEPT = {
  "a cookie": { headers: [...PLAIN, "Set-Cookie", "a=b"] },
  "a field that forbids it": { headers: [...PLAIN, "Cache-Control", "no-store"] },
  "a token in a field": { headers: [...PLAIN, "X-Token", upstreamToken(7)] },
  "a second token in the record": { record: JSON.stringify({ id: "u1", token: upstreamToken(8) }) },
  "more than 64 KB": { record: JSON.stringify({ id: "x".repeat(40_000) }) },
} as const;

test.each(Object.entries(UNKEPT))("with %s it is not kept", (_, answer) => {
  const { refreshes, learn } = setUp();
  learn(answer);
  learn(answer);
  expect(refreshes.find("u")).toBeUndefined();
  expect(refreshes.bytes).toBe(0);
});

test("the bound holds, and those refreshed longest ago go first", () => {
  const { refreshes, learn } = setUp(10_000);
  for (let at = 0; at < 100; at++) {
    for (let again = 0; again < 2; again++) learn({ key: `u${at}` });
    expect(refreshes.bytes).toBeLessThanOrEqual(10_000);
  }
  expect(refreshes.find("u99")).toBeDefined();
  expect(refreshes.find("u0")).toBeUndefined();
  refreshes.clear();
  expect([refreshes.bytes, refreshes.find("u99")]).toEqual([0, undefined]);
});
