// Parity of /api/batch: JSON and multipart, order, roll-back, per-item options and every refusal.
import { expect, test } from "bun:test";
import { IDS } from "../support/fixture/records.ts";
import { type Scenario, send, sendForJson, testScenarios } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";

const NOTICES = "/api/collections/notices/records";
const batch = (name: string, requests: unknown, rest: Omit<Scenario, "name" | "path">): Scenario => ({
  name,
  method: "POST",
  path: "/api/batch",
  json: { requests },
  ...rest,
});

const rows: readonly Scenario[] = [
  batch(
    "batch answers every item in order",
    [
      { method: "POST", url: `${NOTICES}?fields=id`, body: { id: "batchone0000001", title: "One" } },
      {
        method: "PUT",
        url: NOTICES,
        body: { id: "batchtwo0000001", title: "Upserted" },
        headers: { "X-A": "1" },
      },
      { method: "PATCH", url: `${NOTICES}/batchone0000001?fields=title`, body: { title: "One, changed" } },
      { method: "DELETE", url: `${NOTICES}/batchone0000001` },
    ],
    {
      status: 200,
      contains: [
        '[{"body":{"id":"batchone0000001"},"status":200},{"body":{',
        '"title":"Upserted"}',
        '{"body":{"title":"One, changed"},"status":200},{"body":null,"status":204}]',
      ],
    },
  ),
  batch(
    "batch rolls back and lists only the failing item",
    [
      { method: "POST", url: NOTICES, body: { id: "batchgone000001", title: "Gone" } },
      { method: "POST", url: NOTICES, body: {} },
    ],
    {
      status: 400,
      exactly:
        '{"data":{"requests":{"1":{"code":"batch_request_failed","message":"Batch request failed.",' +
        '"response":{"data":{"title":{"code":"validation_required","message":"Cannot be blank."}},' +
        '"message":"Failed to create record.","status":400}}}},"message":"Batch transaction failed.","status":400}\n',
      afterwards: async (_, target) => {
        expect((await send(target, { path: `${NOTICES}/batchgone000001` })).status).toBe(404);
      },
    },
  ),
  batch(
    "batch takes its caller from the outer request",
    [
      {
        method: "PATCH",
        url: `/api/collections/articles/records/${IDS.draft}?fields=views`,
        body: { views: 3 },
      },
    ],
    { as: "ada", status: 200, exactly: '[{"body":{"views":3},"status":200}]\n' },
  ),
  batch(
    "batch refuses what the caller may not do",
    [{ method: "PATCH", url: `/api/collections/articles/records/${IDS.draft}`, body: { views: 4 } }],
    { as: "ben", status: 400, contains: ['"0":{"code":"batch_request_failed"', '"status":404'] },
  ),
  batch("batch without items is a field error", [], {
    status: 400,
    contains: ['"requests":{"code":"validation_required"'],
  }),
  batch(
    "batch of 51 items is a field error",
    Array.from({ length: 51 }, () => ({ method: "DELETE", url: `${NOTICES}/x` })),
    { status: 400, contains: ['"requests":{"code":"validation_length_too_long"'] },
  ),
  batch("batch refuses a method it does not know", [{ method: "HEAD", url: NOTICES }], {
    status: 400,
    contains: ["validation_in_invalid"],
  }),
  batch("batch refuses reads", [{ method: "GET", url: NOTICES }], {
    status: 400,
    contains: ["batch_request_failed"],
  }),
  batch(
    "batch refuses other routes",
    [
      {
        method: "POST",
        url: "/api/collections/members/auth-with-password",
        body: { identity: "ada@example.com", password: "x" },
      },
    ],
    { status: 400, contains: ["batch_request_failed"] },
  ),
  batch(
    "batch refuses absolute addresses",
    [{ method: "DELETE", url: `http://127.0.0.1${NOTICES}/notice000000001` }],
    { status: 400, contains: ["batch_request_failed"] },
  ),
  {
    name: "batch with broken JSON is 400",
    method: "POST",
    path: "/api/batch",
    headers: [["Content-Type", "application/json"]],
    body: '{"requests":[',
    status: 400,
    contains: ['"status":400'],
  },
  { name: "batch by GET is 404", path: "/api/batch", status: 404, contains: ["File not found."] },
];

const upload = (field: string, title: string): FormData => {
  const form = new FormData();
  const requests = [
    { method: "POST", url: `${NOTICES}?fields=title`, body: { title: "Plain" } },
    { method: "POST", url: `${NOTICES}?fields=title,blob`, body: { title } },
  ];
  form.set("@jsonPayload", JSON.stringify({ requests }));
  form.append(field, new Blob(["batch file"]), "batch note.txt");
  return form;
};

describeTargets("batch", (target) => {
  testScenarios(target, rows);

  for (const field of ["requests.1.blob", "requests[1].blob"]) {
    test(`batch as multipart stores files named ${field}`, async () => {
      const response = await send(target, {
        method: "POST",
        path: "/api/batch",
        form: upload(field, "Filed"),
      });
      expect(response.text).toMatch(
        /^\[\{"body":\{"title":"Plain"\},"status":200\},\{"body":\{"blob":\["batch_note_[a-z0-9]+_[a-z0-9]+\.txt"\],"title":"Filed"\},"status":200\}\]\n$/,
      );
    });
  }

  test("batch that is switched off is 403", async () => {
    const settings = { as: "superuser", method: "PATCH", path: "/api/settings" } as const;
    await sendForJson(target, { ...settings, json: { batch: { enabled: false } } });
    const response = await send(target, { method: "POST", path: "/api/batch", json: { requests: [] } });
    await sendForJson(target, { ...settings, json: { batch: { enabled: true } } });
    expect(response.text).toBe('{"data":{},"message":"Batch requests are not allowed.","status":403}\n');
  });
});
