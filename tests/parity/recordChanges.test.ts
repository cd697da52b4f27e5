// Parity of updating and deleting records: modifiers, rules, cascades and blocked deletes.
import { expect } from "bun:test";
import { IDS } from "../support/fixture/records.ts";
import { type Scenario, send, testScenarios } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";

const NOT_FOUND = '{"data":{},"message":"The requested resource wasn\'t found.","status":404}\n';
const NOTICES = "/api/collections/notices/records";
const ARTICLES = "/api/collections/articles/records";

const changes: readonly Scenario[] = [
  {
    name: "update merges top-level fields",
    method: "PATCH",
    path: `${NOTICES}/notice000000002`,
    json: { title: "Changed" },
    status: 200,
    contains: ['"title":"Changed"', '"id":"notice000000002"', '"a":2'],
  },
  {
    name: "update resolves number modifiers",
    method: "PATCH",
    path: `${NOTICES}/notice000000004?fields=count`,
    json: { count: 5, "count+": 3 },
    status: 200,
    exactly: '{"count":8}\n',
  },
  {
    name: "update appends and removes select values",
    method: "PATCH",
    path: `${NOTICES}/notice000000004?fields=tags`,
    json: { tags: ["red"], "tags+": "grey" },
    status: 200,
    exactly: '{"tags":["red","grey"]}\n',
  },
  {
    name: "update with an empty object is a valid update",
    as: "ada",
    method: "PATCH",
    path: `${ARTICLES}/${IDS.news}`,
    json: {},
    status: 200,
    contains: ['"title":"Bridge opens"'],
  },
  {
    name: "update may not change the id",
    method: "PATCH",
    path: `${NOTICES}/notice000000005`,
    json: { id: "notice00000000x" },
    status: 400,
    contains: ["validation_pk_change"],
  },
  {
    name: "update of another's record is 404",
    as: "ben",
    method: "PATCH",
    path: `${ARTICLES}/${IDS.news}`,
    json: { title: "Mine now" },
    status: 404,
    exactly: NOT_FOUND,
  },
  {
    name: "update is judged by rules on the body and the method",
    method: "PATCH",
    path: `/api/collections/gates/records/${IDS.gate}`,
    json: { pass: "green" },
    status: 404,
  },
  {
    name: "update that such a rule allows works",
    method: "PATCH",
    path: `/api/collections/gates/records/${IDS.gate}`,
    json: { label: "repainted" },
    status: 200,
    contains: ["repainted"],
  },
  {
    name: "update of a missing record is 404",
    method: "PATCH",
    path: `${NOTICES}/nosuchrecord001`,
    json: {},
    status: 404,
    exactly: NOT_FOUND,
  },
  {
    name: "update of one's own mail address is refused",
    as: "ada",
    method: "PATCH",
    path: `/api/collections/members/records/${IDS.ada}`,
    json: { email: "else@example.com" },
    status: 400,
    contains: ["validation_values_mismatch"],
  },
  {
    name: "update of one's own password needs the old one",
    as: "ada",
    method: "PATCH",
    path: `/api/collections/members/records/${IDS.ada}`,
    json: { password: "another pass 1", passwordConfirm: "another pass 1" },
    status: 400,
    contains: ['"oldPassword":{"code":"validation_required"'],
  },
  {
    name: "delete answers 204 with no body and no body headers",
    method: "DELETE",
    path: `${NOTICES}/notice000000025`,
    status: 204,
    exactly: "",
    answers: { "content-type": null, "content-length": null, "transfer-encoding": null },
  },
  {
    name: "delete of a deleted record is 404",
    method: "DELETE",
    path: `${NOTICES}/notice000000025`,
    status: 404,
    exactly: NOT_FOUND,
  },
  {
    name: "delete with a JSON content type and no body works",
    method: "DELETE",
    path: `${NOTICES}/notice000000024`,
    headers: [["Content-Type", "application/json"]],
    status: 204,
  },
  {
    name: "delete with Content-Length zero works",
    method: "DELETE",
    path: `${NOTICES}/notice000000023`,
    headers: [
      ["Content-Type", "application/json"],
      ["Content-Length", "0"],
    ],
    status: 204,
  },
  {
    name: "delete is judged by the caller's role",
    as: "ben",
    method: "DELETE",
    path: `/api/collections/gates/records/${IDS.gate}`,
    status: 404,
  },
  {
    name: "delete by the role that may works",
    as: "ada",
    method: "DELETE",
    path: `/api/collections/gates/records/${IDS.gate}`,
    status: 204,
  },
  {
    name: "delete blocked by a required relation is 400",
    as: "superuser",
    method: "DELETE",
    path: `/api/collections/members/records/${IDS.ada}`,
    status: 400,
    contains: ["Make sure that the record is not part of a required relation reference."],
  },
  {
    name: "delete of a parent removes its cascading children",
    as: "ada",
    method: "DELETE",
    path: `${ARTICLES}/${IDS.news}`,
    status: 204,
    afterwards: async (_, target) => {
      const child = await send(target, { path: "/api/collections/comments/records/commentone00001" });
      expect(child.status).toBe(404);
    },
  },
];

describeTargets("record changes", (target) => {
  testScenarios(target, changes);
});
