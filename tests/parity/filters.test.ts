// Parity of the filter language of lists and its refusals.
import { IDS } from "../support/fixture/records.ts";
import { type Scenario, testScenarios } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";

const NOTICES = "/api/collections/notices/records";
const ARTICLES = "/api/collections/articles/records";
const BAD = '{"data":{},"message":"Something went wrong while processing your request.","status":400}\n';
const REFUSED = {
  status: 400,
  exactly: BAD,
  deliberate: { status: 400, code: "query_invalid", reason: "says in addition where the text is wrong" },
} as const;

const list = (query: Record<string, string>, path = NOTICES): string =>
  `${path}?${new URLSearchParams(query)}`;
const found = (ids: readonly string[]): string =>
  `{"items":[${ids.map((id) => `{"id":"${id}"}`).join(",")}],`;
const pick = (filter: string, more: Record<string, string> = {}): string =>
  list({ filter, fields: "id", sort: "id", ...more });

const ids = (...numbers: readonly number[]): string[] =>
  numbers.map((n) => `notice${String(n).padStart(9, "0")}`);

const filters: readonly Scenario[] = [
  {
    name: "filter by equality and boolean",
    path: pick("done = true && count > 10"),
    status: 200,
    contains: [found(ids(9))],
  },
  {
    name: "filter with a quote inside text",
    path: pick("title ~ 'it\\'s' && count < 0"),
    status: 200,
    contains: [found(ids(25))],
  },
  {
    name: "filter binds and tighter than or",
    path: pick("id = 'notice000000001' || id = 'notice000000002' && done = true"),
    status: 200,
    contains: [found(ids(1))],
  },
  {
    name: "filter with parentheses",
    path: pick("(id = 'notice000000001' || id = 'notice000000003') && done = true"),
    status: 200,
    contains: [found(ids(3))],
  },
  {
    name: "filter with like treats percent as a wildcard only when given",
    path: pick("title ~ 'Notice 1_ %'"),
    status: 200,
    contains: ['"totalItems":10'],
  },
  {
    name: "filter with not-like",
    path: pick("title !~ 'Notice'"),
    status: 200,
    contains: [found([IDS.bigNotice])],
  },
  {
    name: "filter on a select's any value",
    path: pick("tags:each ?= 'grey' && tags:length = 1"),
    status: 200,
    contains: [found(ids(8, 24))],
  },
  { name: "filter on a json path", path: pick("meta.list.1 = 3"), status: 200, contains: [found(ids(2))] },
  {
    name: "filter on null and empty alike",
    path: pick("member = null && done = true"),
    status: 200,
    contains: ['"totalItems":0'],
  },
  {
    name: "filter through a relation",
    path: pick("member.name = 'Ben' && count > 9"),
    status: 200,
    contains: [found(ids(1, 13, 22))],
  },
  {
    name: "filter through a back-relation",
    path: `${ARTICLES}?${new URLSearchParams({ filter: "comments_via_article.words ?~ 'first'", fields: "id" })}`,
    status: 200,
    contains: [found([IDS.news])],
  },
  {
    name: "filter with lower",
    path: pick("title:lower = 'big file'"),
    status: 200,
    contains: [found([IDS.bigNotice])],
  },
  {
    name: "filter with a comment and a newline",
    path: pick("id = 'notice000000001' // why\n || id = 'notice000000002'"),
    status: 200,
    contains: [found(ids(1, 2))],
  },
  {
    name: "filter by distance",
    path: `${ARTICLES}?${new URLSearchParams({ filter: "geoDistance(spot.lon, spot.lat, 12.5, -7.2) < 10", fields: "id" })}`,
    status: 200,
    contains: [found([IDS.news])],
  },
  {
    name: "filter with a date macro",
    path: `${ARTICLES}?${new URLSearchParams({ filter: "created < @tomorrow", fields: "id", perPage: "1" })}`,
    status: 200,
    contains: ['"totalItems":2'],
  },
  {
    name: "filter of zero length is no filter",
    path: `${NOTICES}?filter=&perPage=1&fields=id`,
    status: 200,
    contains: ['"totalItems":26'],
  },
  { name: "filter that is blank is refused", path: `${NOTICES}?filter=%20`, ...REFUSED },
  { name: "filter with an unknown field is refused", path: pick("nope = 1"), ...REFUSED },
  {
    name: "filter with a single ampersand is refused",
    path: pick("done = true & count = 1"),
    ...REFUSED,
  },
  {
    name: "filter with an unclosed parenthesis is refused",
    path: pick("(done = true"),
    ...REFUSED,
  },
  { name: "filter with an exponent is refused", path: pick("count = 1e2"), ...REFUSED },
  {
    name: "filter with an unknown modifier is refused",
    path: pick("title:upper = 'X'"),
    ...REFUSED,
  },
  {
    name: "filter on a hidden field is refused to users",
    as: "ada",
    path: `${ARTICLES}?filter=draftNote%3D%27x%27`,
    ...REFUSED,
  },
  {
    name: "filter on a hidden field works for superusers",
    as: "superuser",
    path: `${ARTICLES}?filter=draftNote%3D%27hidden%20words%27&fields=id`,
    status: 200,
    contains: [found([IDS.news])],
  },
  {
    name: "filter naming the request is refused even inside quotes",
    path: pick("title = '@request.auth.id'"),
    status: 403,
    contains: ["Only superusers can filter by"],
  },
  {
    name: "filter naming another collection is refused",
    path: pick("@collection.ledgers.line = 'x'"),
    status: 403,
    contains: ["Only superusers can filter by"],
  },
  {
    name: "filter naming another collection works for superusers",
    as: "superuser",
    path: pick("@collection.ledgers.line ?= 'secret sum'", { perPage: "1" }),
    status: 200,
    contains: ['"totalItems":26'],
  },
  {
    name: "filter of 3501 bytes is refused",
    path: pick(`title = '${"x".repeat(3491)}'`),
    ...REFUSED,
  },
  {
    name: "filter of 201 comparisons is refused",
    path: pick(Array.from({ length: 201 }, () => "count=1").join("||")),
    ...REFUSED,
  },
  {
    name: "filter by mail address is limited to visible ones",
    path: `/api/collections/members/records?${new URLSearchParams({ filter: "email ~ 'example.com'", fields: "id" })}`,
    status: 200,
    contains: [found([IDS.cyd])],
  },
];

describeTargets(
  "filters",
  (target) => {
    testScenarios(target, filters);
  },
  { isRead: true },
);
