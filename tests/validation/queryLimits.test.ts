// `Validation.Query`: off unless set; what is over a bound is 400 with PocketBase's shape, after PocketBase's own answers.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { changeSchema, type Pair, startPair } from "./ask.ts";

setDefaultTimeout(60_000);

const Query = {
  MaxFilterBytes: 60,
  MaxFilterTerms: 2,
  MaxJoins: 1,
  MaxNestedMany: 1,
  MaxPerPage: 50,
  MaxExpandDepth: 1,
  IndexedSorts: ["notices"],
};

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ config: { Validation: { Query } } });
  const json = { batch: { enabled: true, maxRequests: 50, timeout: 60 } };
  await changeSchema(pair, { method: "PATCH", path: "/api/settings", json });
});
afterAll(() => pair[Symbol.asyncDispose]());

const list = (collection: string, query: Record<string, string>): string =>
  `/api/collections/${collection}/records?${new URLSearchParams(query)}`;

const DEAR: readonly [string, string, string][] = [
  ["filter", list("articles", { filter: `title = '${"x".repeat(60)}'` }), "query_length_limit"],
  ["filter", list("articles", { filter: "views=1||views=2||views=3" }), "query_terms_limit"],
  ["filter", list("articles", { filter: "author.name='a'||related.title='b'" }), "query_joins_limit"],
  ["filter", list("articles", { filter: "related.related.title='b'" }), "query_nested_many_limit"],
  ["perPage", list("articles", { perPage: "51" }), "query_per_page_limit"],
  ["expand", list("articles", { expand: "related.author" }), "query_expand_depth_limit"],
  ["sort", list("notices", { sort: "count" }), "query_unindexed_sort_limit"],
];

for (const [parameter, path, code] of DEAR)
  test(`validate refuses ${code}, but not to superusers`, async () => {
    const told = await pair.through({ as: "ada", path });
    expect([told.status, told.code]).toEqual([400, "query_too_costly"]);
    expect(told.body).toMatchObject({
      data: { [parameter]: { code, message: expect.stringMatching(/^[A-Z].*\.$/) } },
      message: "The query asks for more than is allowed here.",
      status: 400,
    });
    expect((await pair.through({ as: "superuser", path })).status).toBe(200);
    expect((await pair.direct({ as: "ada", path })).status).toBe(200);
  });

test("validate learns of an index that is made, or dropped, past Hapta", async () => {
  const path = list("notices", { sort: "-count,title" });
  const statusBecomes = (status: number): Promise<unknown> =>
    eventually(async () => (await pair.through({ as: "ada", path })).status === status, 10_000);
  const setIndexes = (...indexes: readonly string[]): Promise<void> =>
    changeSchema(pair, { method: "PATCH", path: "/api/collections/notices", json: { indexes } });
  await statusBecomes(400);
  await setIndexes("CREATE INDEX `idx_notices_count` ON `notices` (`count`)");
  await statusBecomes(200);
  await setIndexes("CREATE INDEX `idx_notices_title` ON `notices` (`title`)");
  await statusBecomes(400);
  await setIndexes();
});

test("validate looks at expand wherever records are answered", async () => {
  const expand = "expand=comments_via_author.article";
  const member = `/api/collections/members/records/memberada000001?${expand}`;
  const login = `/api/collections/members/auth-with-password?${expand}`;
  const requests = [
    { method: "POST", url: `/api/collections/notices/records?${expand}`, body: { title: "a" } },
  ];
  const calls = [
    { path: member },
    { method: "POST", path: login, json: { identity: "a", password: "b" } },
    { method: "POST", path: `/api/collections/notices/records?${expand}`, json: { title: "a" } },
    { method: "POST", path: "/api/batch", json: { requests } },
  ];
  for (const call of calls)
    expect([call.path, (await pair.through(call)).code]).toEqual([call.path, "query_too_costly"]);
  expect((await pair.through({ path: member.replace(".article", "") })).status).toBe(200);
});

test("validate lets PocketBase's own answers come first", async () => {
  const wrong = await pair.through({ path: list("articles", { filter: "nope = 1", perPage: "99" }) });
  expect([wrong.status, wrong.code]).toEqual([400, "query_invalid"]);
  expect((await pair.through({ path: list("ledgers", { perPage: "99" }) })).status).toBe(403);
  expect((await pair.through({ path: list("nosuch", { perPage: "99" }) })).status).toBe(404);
  const cheap = list("articles", {
    filter: "author.name = 'a'",
    perPage: "50",
    expand: "author",
    sort: "views",
  });
  expect((await pair.through({ path: cheap })).status).toBe(200);
});
