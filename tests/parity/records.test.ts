// Parity of record CRUD: shapes, rules per caller, coercion, modifiers. Lists have a suite of their own.
import { expect } from "bun:test";
import { BIG_FILE_BYTES, IDS, PASSWORD } from "../support/fixture/records.ts";
import { send, testScenarios, type Scenario } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";

const NOT_FOUND = '{"data":{},"message":"The requested resource wasn\'t found.","status":404}\n';
const NOTICES = "/api/collections/notices/records";
const ARTICLES = "/api/collections/articles/records";

const views: readonly Scenario[] = [
  {
    name: "view answers the bare record with members sorted by name and escaped markup",
    path: `${NOTICES}/notice000000003`,
    status: 200,
    exactly:
      '{"blob":[],"collectionId":"pbc_notices0001","collectionName":"notices","count":1,"done":true,' +
      '"id":"notice000000003","member":"memberada000001",' +
      '"meta":{"a":3,"list":[3,4],"text":"t3"},"tags":["red","green"],' +
      '"title":"Notice 3 \\u003cb\\u003e\\u0026amp;"}\n',
    answers: { "content-type": "application/json", vary: "Origin", etag: null, "access-control-allow-origin": null },
  },
  { name: "view reaches a collection by its id", path: `/api/collections/pbc_notices0001/records/notice000000001`, status: 200, contains: ['"collectionName":"notices"'] },
  { name: "view reaches a collection by its name in any case", path: `/api/collections/NoTiCeS/records/notice000000001`, status: 200, contains: ['"collectionName":"notices"'] },
  { name: "view decodes percent-encoded path segments", path: `/api/collections/%6eotices/records/notice00000000%31`, status: 200, contains: ['"id":"notice000000001"'] },
  { name: "view of an unknown id is 404", path: `${NOTICES}/nosuchrecord001`, status: 404, exactly: NOT_FOUND },
  { name: "view of an unknown collection is 404", path: "/api/collections/nosuch/records/notice000000001", status: 404, contains: ['"message":"Missing collection context."', '"status":404'] },
  { name: "view in a locked collection is 403 for guests", path: `/api/collections/ledgers/records/${IDS.ledger}`, status: 403, contains: ['"data":{}', '"status":403', "Only superusers"], lacks: ["secret sum"] },
  { name: "view in a locked collection is 403 even for a missing id", path: "/api/collections/ledgers/records/nosuchrecord001", status: 403 },
  { name: "view in a locked collection works for superusers", as: "superuser", path: `/api/collections/ledgers/records/${IDS.ledger}`, status: 200, contains: ["secret sum"] },
  { name: "view of another's draft is 404 for guests", path: `${ARTICLES}/${IDS.draft}`, status: 404, exactly: NOT_FOUND },
  { name: "view of another's draft is 404 for other users", as: "ben", path: `${ARTICLES}/${IDS.draft}`, status: 404, lacks: ["Unseen"] },
  { name: "view of one's own draft works", as: "ada", path: `${ARTICLES}/${IDS.draft}`, status: 200, contains: ["Unseen draft"], lacks: ["draftNote"] },
  { name: "view hides hidden fields from users", as: "ada", path: `${ARTICLES}/${IDS.news}`, status: 200, lacks: ["draftNote", "hidden words"] },
  { name: "view shows hidden fields to superusers", as: "superuser", path: `${ARTICLES}/${IDS.news}`, status: 200, contains: ['"draftNote":"hidden words"'] },
  { name: "view accepts a token with the Bearer prefix", headers: [], path: `${ARTICLES}/${IDS.draft}`, as: { token: "Bearer not.a.token" }, status: 404 },
  { name: "view treats a broken token as a guest", as: { token: "garbage" }, path: `${NOTICES}/notice000000001`, status: 200 },
  { name: "view hides other members' private mail addresses", as: "ben", path: `/api/collections/members/records/${IDS.ada}`, status: 200, lacks: ["ada@example.com", "remark"] },
  { name: "view shows a member's own mail address", as: "ada", path: `/api/collections/members/records/${IDS.ada}`, status: 200, contains: ["ada@example.com"], lacks: ["remark", "password", "tokenKey"] },
  { name: "view shows visible mail addresses to guests", path: `/api/collections/members/records/${IDS.cyd}`, status: 200, contains: ["cyd@example.com"] },
  { name: "view expands a single relation to an object under its own view rule", path: `${ARTICLES}/${IDS.news}?expand=author`, status: 200, contains: ['"expand":{"author":{', '"name":"Ada"'], lacks: ["ada@example.com"] },
  { name: "view expands nested back-relations", path: `${ARTICLES}/${IDS.news}?expand=comments_via_article.author`, status: 200, contains: ['"comments_via_article":[', '"words":"First!"', '"name":"Ben"'] },
  { name: "view expands a unique back-relation to one object", path: `/api/collections/members/records/${IDS.ada}?expand=profiles_via_member`, status: 200, contains: ['"profiles_via_member":{', '"motto":"onward"'] },
  { name: "view ignores unknown expand paths", path: `${ARTICLES}/${IDS.news}?expand=nope`, status: 200, lacks: ['"expand"'] },
  { name: "view picks fields", path: `${ARTICLES}/${IDS.news}?fields=id,title,meta.lanes,body:excerpt(10,true)`, status: 200, contains: ['"id":"articlenews0001"', '"title":"Bridge opens"', '"meta":{"lanes":4}', "..."], lacks: ["author", "names"] },
  { name: "view of nothing picked is an empty object", path: `${NOTICES}/notice000000001?fields=nope`, status: 200, exactly: "{}\n" },
  { name: "view with a broken fields modifier is an empty 200 on this version", path: `${NOTICES}/notice000000001?fields=title:excerpt(0)`, status: 200, exactly: "", answers: { "content-length": "0", "content-type": "application/json" } },
  { name: "view by a header rule needs the header on lists", path: "/api/collections/gates/records", headers: [["X-Gate", "blue"]], status: 200, contains: ["the blue gate"] },
  { name: "list by a header rule is empty with another value", path: "/api/collections/gates/records", headers: [["x-gate", "red"]], status: 200, contains: ['"totalItems":0'], lacks: ["blue gate"] },
  { name: "view by a query rule needs the query parameter", path: `/api/collections/gates/records/${IDS.gate}?share=blue`, status: 200, contains: ["the blue gate"] },
  { name: "view by a query rule takes the first of repeated parameters", path: `/api/collections/gates/records/${IDS.gate}?share=red&share=blue`, status: 404 },
  { name: "view by a query rule decodes plus and percent", path: `/api/collections/gates/records/${IDS.gate}?other=a+b&share=%62lue`, status: 200 },
  { name: "view of a view collection works", path: `/api/collections/articleStats/records/${IDS.news}`, status: 200, contains: ['"replies":2', '"title":"Bridge opens"'] },
  { name: "view with a JSON body on GET is read and answered", path: `${NOTICES}/notice000000001`, json: { any: 1 }, status: 200 },
  { name: "view with a body of unknown type on GET is 400", path: `${NOTICES}/notice000000001`, headers: [["Content-Type", "text/plain"]], body: "x", status: 400, deliberate: { status: 200, reason: "a body on GET is dropped" } },
  { name: "view with an empty JSON content type works", path: `${NOTICES}/notice000000001`, headers: [["Content-Type", "application/json"]], status: 200 },
];

const idOf = (text: string): string => String((JSON.parse(text) as Record<string, unknown>)["id"]);

const creates: readonly Scenario[] = [
  {
    name: "create answers 200 with the stored record",
    method: "POST",
    path: NOTICES,
    json: { id: "createdone00001", title: "Made", count: "12.5", done: "true", tags: ["red", "red"], meta: '{"b":1}', extra: 1 },
    status: 200,
    contains: ['"id":"createdone00001"', '"count":12.5', '"done":true', '"tags":["red"]', '"meta":{"b":1}'],
    lacks: ["extra"],
    then: async (_, target) => {
      const stored = await send(target, { path: `${NOTICES}/createdone00001` });
      expect(stored.text).toContain('"title":"Made"');
    },
  },
  {
    name: "create makes an id of 15 characters",
    method: "POST",
    path: `${NOTICES}?fields=id`,
    json: { title: "Anon" },
    status: 200,
    then: (response) => expect(idOf(response.text)).toMatch(/^[a-z0-9]{15}$/),
  },
  { name: "create with a taken id is a field error", method: "POST", path: NOTICES, json: { id: "notice000000001", title: "Twice" }, status: 400, contains: ['"id":{"code":"validation_not_unique"', '"message":"Failed to create record."'] },
  { name: "create without a required field is a field error", method: "POST", path: NOTICES, json: {}, status: 400, exactly: '{"data":{"title":{"code":"validation_required","message":"Cannot be blank."}},"message":"Failed to create record.","status":400}\n' },
  { name: "create over a text limit names the limit", method: "POST", path: NOTICES, json: { title: "x".repeat(61) }, status: 400, contains: ['"code":"validation_max_text_constraint"', '"params":{"max":60}'] },
  { name: "create with null as body is a create with nothing", method: "POST", path: NOTICES, body: "null", headers: [["Content-Type", "application/json"]], status: 400, contains: ["validation_required"] },
  { name: "create with an array as body is 400", method: "POST", path: NOTICES, body: "[]", headers: [["Content-Type", "application/json"]], status: 400, contains: ['"data":{}'] },
  { name: "create with text after the JSON value is accepted", method: "POST", path: NOTICES, body: '{"title":"tail"}garbage', headers: [["Content-Type", "application/json"]], status: 200 },
  { name: "create with a charset on the content type is accepted", method: "POST", path: NOTICES, body: '{"title":"charset"}', headers: [["Content-Type", "application/json; charset=utf-8"]], status: 200 },
  { name: "create with an unknown content type is 400", method: "POST", path: NOTICES, body: "x", headers: [["Content-Type", "text/plain"]], status: 400, contains: ['"status":400'] },
  { name: "create with a mixed-case content type is 400", method: "POST", path: NOTICES, body: '{"title":"x"}', headers: [["Content-Type", "Application/JSON"]], status: 400 },
  { name: "create from a URL-encoded form infers types", method: "POST", path: NOTICES, body: "title=form+title&count=7&done=true&tags=red&tags=blue", headers: [["Content-Type", "application/x-www-form-urlencoded"]], status: 200, contains: ['"title":"form title"', '"count":7', '"done":true', '"tags":["red","blue"]'] },
  { name: "create from a form merges query parameters as PocketBase does", method: "POST", path: `${NOTICES}?title=fromquery`, body: "count=3", headers: [["Content-Type", "application/x-www-form-urlencoded"]], status: 200, contains: ['"title":"fromquery"'] },
  { name: "create by a guest where the rule wants a caller is 400 without data", method: "POST", path: ARTICLES, json: { title: "Guest article" }, status: 400, exactly: '{"data":{},"message":"Failed to create record.","status":400}\n' },
  { name: "create by a user fills coerced values", as: "ada", method: "POST", path: ARTICLES, json: { title: "Typed", views: "007", at: "2024-01-02", spot: { lon: 1, lat: 2 }, tags: '["red","blue"]', author: IDS.ada, draftNote: "x" }, status: 200, contains: ['"views":7', '"at":"2024-01-02 00:00:00.000Z"', '"spot":{"lon":1,"lat":2}', '"tags":["red","blue"]'], lacks: ["draftNote"] },
  { name: "create that breaks a unique index names the column", as: "ada", method: "POST", path: ARTICLES, json: { title: "Dup", slug: "on-rivers" }, status: 400, contains: ['"slug":{"code":"validation_not_unique"'] },
  { name: "create reports every failing field", as: "ada", method: "POST", path: ARTICLES, json: { title: "x", slug: "Not Good", views: 1.5, contact: "no-mail", link: "://", kind: "poem", tags: ["red", "green", "blue", "grey"], author: "nosuchmember001", spot: { lon: 999, lat: 0 } }, status: 400, contains: ['"title":{"code":"validation_min_text_constraint"', '"slug":{"code":"validation_invalid_format"', '"views":{"code":"validation_only_int_constraint"', '"contact":{"code":"validation_is_email"', '"link":{"code":"validation_invalid_url"', '"kind":{"code":"validation_invalid_value"', '"tags":{"code":"validation_too_many_values"', '"author":{"code":"validation_missing_rel_records"', '"spot":{"code":"validation_invalid_longitude"'] },
  { name: "create in a locked collection is 403", method: "POST", path: "/api/collections/ledgers/records", json: { line: "x" }, status: 403, contains: ["Only superusers"] },
  { name: "create in a view collection is 400", as: "superuser", method: "POST", path: "/api/collections/articleStats/records", json: {}, status: 400, contains: ["Unsupported collection type."] },
  { name: "create is judged by a rule on the body", method: "POST", path: "/api/collections/gates/records", json: { pass: "forbidden" }, status: 400, contains: ['"data":{}'] },
  { name: "create as sign-up answers without the mail address", method: "POST", path: "/api/collections/members/records", json: { id: "membernew000001", email: "new@example.com", password: PASSWORD, passwordConfirm: PASSWORD, name: "New" }, status: 200, contains: ['"name":"New"', '"verified":false'], lacks: ["new@example.com", "tokenKey"] },
  { name: "create as sign-up needs equal passwords", method: "POST", path: "/api/collections/members/records", json: { email: "other@example.com", password: PASSWORD, passwordConfirm: "different 1" }, status: 400, contains: ['"passwordConfirm":{"code":"validation_values_mismatch"'] },
  { name: "create as sign-up may not set verified", method: "POST", path: "/api/collections/members/records", json: { email: "v@example.com", password: PASSWORD, passwordConfirm: PASSWORD, verified: true }, status: 400, contains: ['"verified":{"code":"validation_values_mismatch"'] },
];

const changes: readonly Scenario[] = [
  { name: "update merges top-level fields", method: "PATCH", path: `${NOTICES}/notice000000002`, json: { title: "Changed" }, status: 200, contains: ['"title":"Changed"', '"id":"notice000000002"', '"a":2'] },
  { name: "update resolves number modifiers", method: "PATCH", path: `${NOTICES}/notice000000004?fields=count`, json: { count: 5, "count+": 3 }, status: 200, exactly: '{"count":8}\n' },
  { name: "update appends and removes select values", method: "PATCH", path: `${NOTICES}/notice000000004?fields=tags`, json: { tags: ["red"], "tags+": "grey" }, status: 200, exactly: '{"tags":["red","grey"]}\n' },
  { name: "update with an empty object is a valid update", as: "ada", method: "PATCH", path: `${ARTICLES}/${IDS.news}`, json: {}, status: 200, contains: ['"title":"Bridge opens"'] },
  { name: "update may not change the id", method: "PATCH", path: `${NOTICES}/notice000000005`, json: { id: "notice00000000x" }, status: 400, contains: ["validation_pk_change"] },
  { name: "update of another's record is 404", as: "ben", method: "PATCH", path: `${ARTICLES}/${IDS.news}`, json: { title: "Mine now" }, status: 404, exactly: NOT_FOUND },
  { name: "update is judged by rules on the body and the method", method: "PATCH", path: `/api/collections/gates/records/${IDS.gate}`, json: { pass: "green" }, status: 404 },
  { name: "update that such a rule allows works", method: "PATCH", path: `/api/collections/gates/records/${IDS.gate}`, json: { label: "repainted" }, status: 200, contains: ["repainted"] },
  { name: "update of a missing record is 404", method: "PATCH", path: `${NOTICES}/nosuchrecord001`, json: {}, status: 404, exactly: NOT_FOUND },
  { name: "update of one's own mail address is refused", as: "ada", method: "PATCH", path: `/api/collections/members/records/${IDS.ada}`, json: { email: "else@example.com" }, status: 400, contains: ["validation_values_mismatch"] },
  { name: "update of one's own password needs the old one", as: "ada", method: "PATCH", path: `/api/collections/members/records/${IDS.ada}`, json: { password: "another pass 1", passwordConfirm: "another pass 1" }, status: 400, contains: ['"oldPassword":{"code":"validation_required"'] },
  { name: "delete answers 204 with no body and no body headers", method: "DELETE", path: `${NOTICES}/notice000000025`, status: 204, exactly: "", answers: { "content-type": null, "content-length": null, "transfer-encoding": null } },
  { name: "delete of a deleted record is 404", method: "DELETE", path: `${NOTICES}/notice000000025`, status: 404, exactly: NOT_FOUND },
  { name: "delete with a JSON content type and no body works", method: "DELETE", path: `${NOTICES}/notice000000024`, headers: [["Content-Type", "application/json"]], status: 204 },
  { name: "delete with Content-Length zero works", method: "DELETE", path: `${NOTICES}/notice000000023`, headers: [["Content-Type", "application/json"], ["Content-Length", "0"]], status: 204 },
  { name: "delete is judged by the caller's role", as: "ben", method: "DELETE", path: `/api/collections/gates/records/${IDS.gate}`, status: 404 },
  { name: "delete by the role that may works", as: "ada", method: "DELETE", path: `/api/collections/gates/records/${IDS.gate}`, status: 204 },
  { name: "delete blocked by a required relation is 400", as: "superuser", method: "DELETE", path: `/api/collections/members/records/${IDS.ada}`, status: 400, contains: ["Make sure that the record is not part of a required relation reference."] },
  {
    name: "delete of a parent removes its cascading children",
    as: "ada",
    method: "DELETE",
    path: `${ARTICLES}/${IDS.news}`,
    status: 204,
    then: async (_, target) => {
      const child = await send(target, { path: "/api/collections/comments/records/commentone00001" });
      expect(child.status).toBe(404);
    },
  },
  { name: "view still has the big file's record", path: `${NOTICES}/${IDS.bigNotice}`, status: 200, contains: [".bin"], lacks: [String(BIG_FILE_BYTES)] },
];

describeTargets("records", (target) => {
  testScenarios(target, [...views, ...creates, ...changes]);
});
