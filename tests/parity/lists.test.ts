// Parity of lists: paging, sorting, and what each caller sees.
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
const ids = (...numbers: readonly number[]): string[] =>
  numbers.map((n) => `notice${String(n).padStart(9, "0")}`);

const paging: readonly Scenario[] = [
  {
    name: "list has an envelope with totals",
    path: list({ perPage: "1", fields: "id" }),
    status: 200,
    exactly: '{"items":[{"id":"notice000000001"}],"page":1,"perPage":1,"totalItems":26,"totalPages":26}\n',
  },
  {
    name: "list reads page and perPage",
    path: list({ page: "3", perPage: "2", sort: "id", fields: "id" }),
    status: 200,
    contains: [found(ids(5, 6)), '"page":3,"perPage":2'],
  },
  {
    name: "list past the end is empty",
    path: list({ page: "99" }),
    status: 200,
    exactly: '{"items":[],"page":99,"perPage":30,"totalItems":26,"totalPages":1}\n',
  },
  {
    name: "list caps perPage at 1000",
    path: list({ perPage: "5000", fields: "id" }),
    status: 200,
    contains: ['"perPage":1000'],
  },
  {
    name: "list takes a negative page as the first",
    path: list({ page: "-4", perPage: "-1", fields: "id" }),
    status: 200,
    contains: ['"page":1,"perPage":30'],
  },
  {
    name: "list with skipTotal answers minus one",
    path: list({ skipTotal: "1", perPage: "1", fields: "id" }),
    status: 200,
    contains: ['"totalItems":-1,"totalPages":-1'],
  },
  { name: "list refuses a page that is no number", path: list({ page: "x" }), status: 400, exactly: BAD },
  { name: "list refuses a fractional perPage", path: list({ perPage: "1.5" }), status: 400, exactly: BAD },
  { name: "list refuses an odd skipTotal", path: list({ skipTotal: "yes" }), status: 400, exactly: BAD },
  {
    name: "list takes the first of repeated parameters",
    path: `${NOTICES}?perPage=2&perPage=3&fields=id`,
    status: 200,
    contains: ['"perPage":2'],
  },
  {
    name: "list drops pairs that contain a semicolon",
    path: `${NOTICES}?perPage=2;x=1&fields=id`,
    status: 200,
    contains: ['"perPage":30'],
  },
  {
    name: "list drops pairs with a broken escape",
    path: `${NOTICES}?perPage=%zz&page=1&fields=id`,
    status: 200,
    contains: ['"perPage":30'],
  },
  {
    name: "list ignores unknown parameters and keeps empty ones",
    path: `${NOTICES}?nothing&=&x=1&&perPage=1&fields=id`,
    status: 200,
    contains: ['"perPage":1'],
  },
  {
    name: "list of more bytes than fit one write arrives whole",
    path: list({ sort: "id" }),
    status: 200,
    contains: ['{"items":[{"blob":[],', '"id":"noticebig000001"', '"totalPages":1}\n'],
  },
];

const sorting: readonly Scenario[] = [
  {
    name: "list sorts descending",
    path: list({ sort: "-id", perPage: "2", fields: "id" }),
    status: 200,
    contains: [found(["noticebig000001", "notice000000025"])],
  },
  {
    name: "list sorts by several keys",
    path: list({ sort: "-done,-count,id", perPage: "3", fields: "id" }),
    status: 200,
    contains: [found(ids(9, 18, 6))],
  },
  {
    name: "list sorts with a literal plus",
    path: `${NOTICES}?sort=+id&perPage=1&fields=id`,
    status: 200,
    contains: [found(ids(1))],
  },
  { name: "list refuses an unknown sort key", path: list({ sort: "nope" }), ...REFUSED },
  { name: "list refuses a trailing comma in sort", path: list({ sort: "id," }), ...REFUSED },
  {
    name: "list refuses nine sort keys",
    path: list({ sort: "id,id,id,id,id,id,id,id,id" }),
    ...REFUSED,
  },
  { name: "list refuses a macro as sort key", path: list({ sort: "@now" }), ...REFUSED },
];

const visibility: readonly Scenario[] = [
  {
    name: "list shows guests what the rule lets through",
    path: `${ARTICLES}?fields=id&sort=id`,
    status: 200,
    contains: [found([IDS.essay, IDS.news])],
    lacks: [IDS.draft],
  },
  {
    name: "list adds a caller's own records",
    as: "ada",
    path: `${ARTICLES}?fields=id&sort=id`,
    status: 200,
    contains: [found([IDS.draft, IDS.essay, IDS.news])],
  },
  {
    name: "list of a locked collection is 403",
    path: "/api/collections/ledgers/records",
    status: 403,
    exactly: '{"data":{},"message":"Only superusers can perform this action.","status":403}\n',
  },
  {
    name: "list of a locked collection works for superusers",
    as: "superuser",
    path: "/api/collections/ledgers/records",
    status: 200,
    contains: ["secret sum"],
  },
  {
    name: "list of others' records by an owner rule is empty",
    as: "ben",
    path: "/api/collections/diaries/records",
    status: 200,
    contains: ['"totalItems":0'],
    lacks: ["private words"],
  },
  {
    name: "list of own records by an owner rule",
    as: "ada",
    path: "/api/collections/diaries/records",
    status: 200,
    contains: ["private words"],
  },
  {
    name: "list hides what a guest may not see in expand",
    path: `${ARTICLES}?expand=author,related.author,comments_via_article&sort=-id`,
    status: 200,
    contains: ['"name":"Ada"', '"name":"Ben"', '"words":"Thanks."'],
    lacks: ["ada@example.com", "likes tea"],
  },
  {
    name: "list of an unknown collection is 404",
    path: "/api/collections/nosuch/records",
    status: 404,
    contains: ["Missing collection context."],
  },
  {
    name: "list of a view collection counts",
    path: "/api/collections/articleStats/records?sort=-replies&fields=id,replies",
    status: 200,
    contains: ['{"id":"articlenews0001","replies":2}'],
  },
  { name: "list with a trailing slash is 404", path: `${NOTICES}/`, status: 404 },
  {
    name: "list keeps text exactly, with escapes for markup",
    path: list({ filter: "id = 'notice000000004'", fields: "title" }),
    status: 200,
    contains: ['"title":"Notice 4 ümläut ✓"'],
  },
];

describeTargets(
  "lists",
  (target) => {
    testScenarios(target, [...paging, ...sorting, ...visibility]);
  },
  { isRead: true },
);
