// Parity of the list query language: paging, sort, filter, expand, fields and their refusals.
import { IDS } from "../support/fixture/records.ts";
import { testScenarios, type Scenario } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";

const NOTICES = "/api/collections/notices/records";
const ARTICLES = "/api/collections/articles/records";
const BAD = '{"data":{},"message":"Something went wrong while processing your request.","status":400}\n';

const list = (query: Record<string, string>, path = NOTICES): string => `${path}?${new URLSearchParams(query)}`;
const found = (ids: readonly string[]): string => `{"items":[${ids.map((id) => `{"id":"${id}"}`).join(",")}],`;
const pick = (filter: string, more: Record<string, string> = {}): string =>
  list({ filter, fields: "id", sort: "id", ...more });

const ids = (...numbers: readonly number[]): string[] => numbers.map((n) => `notice${String(n).padStart(9, "0")}`);

const paging: readonly Scenario[] = [
  { name: "list has an envelope with totals", path: list({ perPage: "1", fields: "id" }), status: 200, exactly: '{"items":[{"id":"notice000000001"}],"page":1,"perPage":1,"totalItems":26,"totalPages":26}\n' },
  { name: "list reads page and perPage", path: list({ page: "3", perPage: "2", sort: "id", fields: "id" }), status: 200, contains: [found(ids(5, 6)), '"page":3,"perPage":2'] },
  { name: "list past the end is empty", path: list({ page: "99" }), status: 200, exactly: '{"items":[],"page":99,"perPage":30,"totalItems":26,"totalPages":1}\n' },
  { name: "list caps perPage at 1000", path: list({ perPage: "5000", fields: "id" }), status: 200, contains: ['"perPage":1000'] },
  { name: "list takes a negative page as the first", path: list({ page: "-4", perPage: "-1", fields: "id" }), status: 200, contains: ['"page":1,"perPage":30'] },
  { name: "list with skipTotal answers minus one", path: list({ skipTotal: "1", perPage: "1", fields: "id" }), status: 200, contains: ['"totalItems":-1,"totalPages":-1'] },
  { name: "list refuses a page that is no number", path: list({ page: "x" }), status: 400, exactly: BAD },
  { name: "list refuses a fractional perPage", path: list({ perPage: "1.5" }), status: 400, exactly: BAD },
  { name: "list refuses an odd skipTotal", path: list({ skipTotal: "yes" }), status: 400, exactly: BAD },
  { name: "list takes the first of repeated parameters", path: `${NOTICES}?perPage=2&perPage=3&fields=id`, status: 200, contains: ['"perPage":2'] },
  { name: "list drops pairs that contain a semicolon", path: `${NOTICES}?perPage=2;x=1&fields=id`, status: 200, contains: ['"perPage":30'] },
  { name: "list drops pairs with a broken escape", path: `${NOTICES}?perPage=%zz&page=1&fields=id`, status: 200, contains: ['"perPage":30'] },
  { name: "list ignores unknown parameters and keeps empty ones", path: `${NOTICES}?nothing&=&x=1&&perPage=1&fields=id`, status: 200, contains: ['"perPage":1'] },
  { name: "list of more bytes than fit one write arrives whole", path: list({ sort: "id" }), status: 200, contains: ['{"items":[{"blob":[],', '"id":"noticebig000001"', '"totalPages":1}\n'] },
];

const sorting: readonly Scenario[] = [
  { name: "list sorts descending", path: list({ sort: "-id", perPage: "2", fields: "id" }), status: 200, contains: [found(["noticebig000001", "notice000000025"])] },
  { name: "list sorts by several keys", path: list({ sort: "-done,-count,id", perPage: "3", fields: "id" }), status: 200, contains: [found(ids(9, 18, 6))] },
  { name: "list sorts with a literal plus", path: `${NOTICES}?sort=+id&perPage=1&fields=id`, status: 200, contains: [found(ids(1))] },
  { name: "list refuses an unknown sort key", path: list({ sort: "nope" }), status: 400, exactly: BAD },
  { name: "list refuses a trailing comma in sort", path: list({ sort: "id," }), status: 400, exactly: BAD },
  { name: "list refuses nine sort keys", path: list({ sort: "id,id,id,id,id,id,id,id,id" }), status: 400, exactly: BAD },
  { name: "list refuses a macro as sort key", path: list({ sort: "@now" }), status: 400, exactly: BAD },
];

const filters: readonly Scenario[] = [
  { name: "filter by equality and boolean", path: pick("done = true && count > 10"), status: 200, contains: [found(ids(9))] },
  { name: "filter with a quote inside text", path: pick("title ~ 'it\\'s' && count < 0"), status: 200, contains: [found(ids(25))] },
  { name: "filter binds and tighter than or", path: pick("id = 'notice000000001' || id = 'notice000000002' && done = true"), status: 200, contains: [found(ids(1))] },
  { name: "filter with parentheses", path: pick("(id = 'notice000000001' || id = 'notice000000003') && done = true"), status: 200, contains: [found(ids(3))] },
  { name: "filter with like treats percent as a wildcard only when given", path: pick("title ~ 'Notice 1_ %'"), status: 200, contains: ['"totalItems":10'] },
  { name: "filter with not-like", path: pick("title !~ 'Notice'"), status: 200, contains: [found([IDS.bigNotice])] },
  { name: "filter on a select's any value", path: pick("tags:each ?= 'grey' && tags:length = 1"), status: 200, contains: [found(ids(8, 24))] },
  { name: "filter on a json path", path: pick("meta.list.1 = 3"), status: 200, contains: [found(ids(2))] },
  { name: "filter on null and empty alike", path: pick("member = null && done = true"), status: 200, contains: ['"totalItems":0'] },
  { name: "filter through a relation", path: pick("member.name = 'Ben' && count > 9"), status: 200, contains: [found(ids(1, 13, 22))] },
  { name: "filter through a back-relation", path: `${ARTICLES}?${new URLSearchParams({ filter: "comments_via_article.words ?~ 'first'", fields: "id" })}`, status: 200, contains: [found([IDS.news])] },
  { name: "filter with lower", path: pick("title:lower = 'big file'"), status: 200, contains: [found([IDS.bigNotice])] },
  { name: "filter with a comment and a newline", path: pick("id = 'notice000000001' // why\n || id = 'notice000000002'"), status: 200, contains: [found(ids(1, 2))] },
  { name: "filter by distance", path: `${ARTICLES}?${new URLSearchParams({ filter: "geoDistance(spot.lon, spot.lat, 12.5, -7.2) < 10", fields: "id" })}`, status: 200, contains: [found([IDS.news])] },
  { name: "filter with a date macro", path: `${ARTICLES}?${new URLSearchParams({ filter: "created < @tomorrow", fields: "id", perPage: "1" })}`, status: 200, contains: ['"totalItems":2'] },
  { name: "filter of zero length is no filter", path: `${NOTICES}?filter=&perPage=1&fields=id`, status: 200, contains: ['"totalItems":26'] },
  { name: "filter that is blank is refused", path: `${NOTICES}?filter=%20`, status: 400, exactly: BAD },
  { name: "filter with an unknown field is refused", path: pick("nope = 1"), status: 400, exactly: BAD },
  { name: "filter with a single ampersand is refused", path: pick("done = true & count = 1"), status: 400, exactly: BAD },
  { name: "filter with an unclosed parenthesis is refused", path: pick("(done = true"), status: 400, exactly: BAD },
  { name: "filter with an exponent is refused", path: pick("count = 1e2"), status: 400, exactly: BAD },
  { name: "filter with an unknown modifier is refused", path: pick("title:upper = 'X'"), status: 400, exactly: BAD },
  { name: "filter on a hidden field is refused to users", as: "ada", path: `${ARTICLES}?filter=draftNote%3D%27x%27`, status: 400, exactly: BAD },
  { name: "filter on a hidden field works for superusers", as: "superuser", path: `${ARTICLES}?filter=draftNote%3D%27hidden%20words%27&fields=id`, status: 200, contains: [found([IDS.news])] },
  { name: "filter naming the request is refused even inside quotes", path: pick("title = '@request.auth.id'"), status: 403, contains: ["Only superusers can filter by"] },
  { name: "filter naming another collection is refused", path: pick("@collection.ledgers.line = 'x'"), status: 403, contains: ["Only superusers can filter by"] },
  { name: "filter naming another collection works for superusers", as: "superuser", path: pick("@collection.ledgers.line ?= 'secret sum'", { perPage: "1" }), status: 200, contains: ['"totalItems":26'] },
  { name: "filter of 3501 bytes is refused", path: pick(`title = '${"x".repeat(3491)}'`), status: 400, exactly: BAD },
  { name: "filter of 201 comparisons is refused", path: pick(Array.from({ length: 201 }, () => "count=1").join("||")), status: 400, exactly: BAD },
  { name: "filter by mail address is limited to visible ones", path: `/api/collections/members/records?${new URLSearchParams({ filter: "email ~ 'example.com'", fields: "id" })}`, status: 200, contains: [found([IDS.cyd])] },
];

const visibility: readonly Scenario[] = [
  { name: "list shows guests what the rule lets through", path: `${ARTICLES}?fields=id&sort=id`, status: 200, contains: [found([IDS.essay, IDS.news])], lacks: [IDS.draft] },
  { name: "list adds a caller's own records", as: "ada", path: `${ARTICLES}?fields=id&sort=id`, status: 200, contains: [found([IDS.draft, IDS.essay, IDS.news])] },
  { name: "list of a locked collection is 403", path: "/api/collections/ledgers/records", status: 403, exactly: '{"data":{},"message":"Only superusers can perform this action.","status":403}\n' },
  { name: "list of a locked collection works for superusers", as: "superuser", path: "/api/collections/ledgers/records", status: 200, contains: ["secret sum"] },
  { name: "list of others' records by an owner rule is empty", as: "ben", path: "/api/collections/diaries/records", status: 200, contains: ['"totalItems":0'], lacks: ["private words"] },
  { name: "list of own records by an owner rule", as: "ada", path: "/api/collections/diaries/records", status: 200, contains: ["private words"] },
  { name: "list hides what a guest may not see in expand", path: `${ARTICLES}?expand=author,related.author,comments_via_article&sort=-id`, status: 200, contains: ['"name":"Ada"', '"name":"Ben"', '"words":"Thanks."'], lacks: ["ada@example.com", "likes tea"] },
  { name: "list of an unknown collection is 404", path: "/api/collections/nosuch/records", status: 404, contains: ["Missing collection context."] },
  { name: "list of a view collection counts", path: "/api/collections/articleStats/records?sort=-replies&fields=id,replies", status: 200, contains: ['{"id":"articlenews0001","replies":2}'] },
  { name: "list with a trailing slash is 404", path: `${NOTICES}/`, status: 404 },
  { name: "list keeps text exactly, with escapes for markup", path: pick("id = 'notice000000004'", { fields: "title" }), status: 200, contains: ['"title":"Notice 4 ümläut ✓"'] },
];

describeTargets("lists", (target) => {
  testScenarios(target, [...paging, ...sorting, ...filters, ...visibility]);
});
