// Parity of reading one record: rules per caller, spellings of a path, expand and fields.
import { IDS } from "../support/fixture/records.ts";
import { type Scenario, testScenarios } from "../support/scenario.ts";
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
    answers: {
      "content-type": "application/json",
      vary: "Origin",
      "access-control-allow-origin": null,
    },
  },
  {
    name: "view reaches a collection by its id",
    path: `/api/collections/pbc_notices0001/records/notice000000001`,
    status: 200,
    contains: ['"collectionName":"notices"'],
  },
  {
    name: "view reaches a collection by its name in any case",
    path: `/api/collections/NoTiCeS/records/notice000000001`,
    status: 200,
    contains: ['"collectionName":"notices"'],
  },
  {
    name: "view decodes percent-encoded path segments",
    path: `/api/collections/%6eotices/records/notice00000000%31`,
    status: 200,
    contains: ['"id":"notice000000001"'],
  },
  {
    name: "view of an unknown id is 404",
    path: `${NOTICES}/nosuchrecord001`,
    status: 404,
    exactly: NOT_FOUND,
  },
  {
    name: "view of an unknown collection is 404",
    path: "/api/collections/nosuch/records/notice000000001",
    status: 404,
    contains: ['"message":"Missing collection context."', '"status":404'],
  },
  {
    name: "view in a locked collection is 403 for guests",
    path: `/api/collections/ledgers/records/${IDS.ledger}`,
    status: 403,
    contains: ['"data":{}', '"status":403', "Only superusers"],
    lacks: ["secret sum"],
  },
  {
    name: "view in a locked collection is 403 even for a missing id",
    path: "/api/collections/ledgers/records/nosuchrecord001",
    status: 403,
  },
  {
    name: "view in a locked collection works for superusers",
    as: "superuser",
    path: `/api/collections/ledgers/records/${IDS.ledger}`,
    status: 200,
    contains: ["secret sum"],
  },
  {
    name: "view of another's draft is 404 for guests",
    path: `${ARTICLES}/${IDS.draft}`,
    status: 404,
    exactly: NOT_FOUND,
  },
  {
    name: "view of another's draft is 404 for other users",
    as: "ben",
    path: `${ARTICLES}/${IDS.draft}`,
    status: 404,
    lacks: ["Unseen"],
  },
  {
    name: "view of one's own draft works",
    as: "ada",
    path: `${ARTICLES}/${IDS.draft}`,
    status: 200,
    contains: ["Unseen draft"],
    lacks: ["draftNote"],
  },
  {
    name: "view hides hidden fields from users",
    as: "ada",
    path: `${ARTICLES}/${IDS.news}`,
    status: 200,
    lacks: ["draftNote", "hidden words"],
  },
  {
    name: "view shows hidden fields to superusers",
    as: "superuser",
    path: `${ARTICLES}/${IDS.news}`,
    status: 200,
    contains: ['"draftNote":"hidden words"'],
  },
  {
    name: "view treats a broken Bearer token as a guest",
    headers: [],
    path: `${ARTICLES}/${IDS.draft}`,
    as: { token: "Bearer not.a.token" },
    status: 404,
  },
  {
    name: "view treats a broken token as a guest",
    as: { token: "garbage" },
    path: `${NOTICES}/notice000000001`,
    status: 200,
  },
  {
    name: "view hides other members' private mail addresses",
    as: "ben",
    path: `/api/collections/members/records/${IDS.ada}`,
    status: 200,
    lacks: ["ada@example.com", "remark"],
  },
  {
    name: "view shows a member's own mail address",
    as: "ada",
    path: `/api/collections/members/records/${IDS.ada}`,
    status: 200,
    contains: ["ada@example.com"],
    lacks: ["remark", "password", "tokenKey"],
  },
  {
    name: "view shows visible mail addresses to guests",
    path: `/api/collections/members/records/${IDS.cyd}`,
    status: 200,
    contains: ["cyd@example.com"],
  },
  {
    name: "view expands a single relation to an object under its own view rule",
    path: `${ARTICLES}/${IDS.news}?expand=author`,
    status: 200,
    contains: ['"expand":{"author":{', '"name":"Ada"'],
    lacks: ["ada@example.com"],
  },
  {
    name: "view expands nested back-relations",
    path: `${ARTICLES}/${IDS.news}?expand=comments_via_article.author`,
    status: 200,
    contains: ['"comments_via_article":[', '"words":"First!"', '"name":"Ben"'],
  },
  {
    name: "view expands a unique back-relation to one object",
    path: `/api/collections/members/records/${IDS.ada}?expand=profiles_via_member`,
    status: 200,
    contains: ['"profiles_via_member":{', '"motto":"onward"'],
  },
  {
    name: "view ignores unknown expand paths",
    path: `${ARTICLES}/${IDS.news}?expand=nope`,
    status: 200,
    lacks: ['"expand"'],
  },
  {
    name: "view picks fields",
    path: `${ARTICLES}/${IDS.news}?fields=id,title,meta.lanes,body:excerpt(10,true)`,
    status: 200,
    contains: ['"id":"articlenews0001"', '"title":"Bridge opens"', '"meta":{"lanes":4}', "..."],
    lacks: ["author", "names"],
  },
  {
    name: "view of nothing picked is an empty object",
    path: `${NOTICES}/notice000000001?fields=nope`,
    status: 200,
    exactly: "{}\n",
  },
  {
    name: "view with a broken fields modifier is an empty 200 on this version",
    path: `${NOTICES}/notice000000001?fields=title:excerpt(0)`,
    status: 200,
    exactly: "",
    answers: { "content-length": "0", "content-type": "application/json" },
  },
  {
    name: "list by a header rule needs the header",
    path: "/api/collections/gates/records",
    headers: [["X-Gate", "blue"]],
    status: 200,
    contains: ["the blue gate"],
  },
  {
    name: "list by a header rule is empty with another value",
    path: "/api/collections/gates/records",
    headers: [["x-gate", "red"]],
    status: 200,
    contains: ['"totalItems":0'],
    lacks: ["blue gate"],
  },
  {
    name: "view by a query rule needs the query parameter",
    path: `/api/collections/gates/records/${IDS.gate}?share=blue`,
    status: 200,
    contains: ["the blue gate"],
  },
  {
    name: "view by a query rule takes the first of repeated parameters",
    path: `/api/collections/gates/records/${IDS.gate}?share=red&share=blue`,
    status: 404,
  },
  {
    name: "view by a query rule decodes plus and percent",
    path: `/api/collections/gates/records/${IDS.gate}?other=a+b&share=%62lue`,
    status: 200,
  },
  {
    name: "view of a view collection works",
    path: `/api/collections/articleStats/records/${IDS.news}`,
    status: 200,
    contains: ['"replies":2', '"title":"Bridge opens"'],
  },
  {
    name: "view with a JSON body on GET is read and answered",
    path: `${NOTICES}/notice000000001`,
    json: { any: 1 },
    status: 200,
  },
  {
    name: "view with a body of unknown type on GET is 400",
    path: `${NOTICES}/notice000000001`,
    headers: [["Content-Type", "text/plain"]],
    body: "x",
    status: 400,
    deliberate: { status: 200, reason: "a body on GET is dropped" },
  },
  {
    name: "view with an empty JSON content type works",
    path: `${NOTICES}/notice000000001`,
    headers: [["Content-Type", "application/json"]],
    status: 200,
  },
];

describeTargets(
  "record views",
  (target) => {
    testScenarios(target, views);
  },
  { isRead: true },
);
