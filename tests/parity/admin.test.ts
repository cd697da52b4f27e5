// Parity of the superuser API: settings, collections, logs, crons, SQL, backups, health and the dashboard's files.
import { expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { type Scenario, send, sendForJson, testScenarios } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";
import { headOf } from "../support/wireReader.ts";

const NO_AUTH =
  '{"data":{},"message":"The request requires valid record authorization token.","status":401}\n';

const health: readonly Scenario[] = [
  {
    name: "health for guests",
    path: "/api/health",
    status: 200,
    exactly: '{"message":"API is healthy.","code":200,"data":{}}\n',
    answers: { "content-length": "51" },
  },
  {
    name: "health for users",
    as: "ada",
    path: "/api/health",
    status: 200,
    exactly: '{"message":"API is healthy.","code":200,"data":{}}\n',
  },
  {
    name: "health for superusers tells the client's real address",
    as: "superuser",
    path: "/api/health",
    status: 200,
    contains: ['"canBackup":true', '"realIP":"127.0.0.1"'],
  },
  {
    name: "HEAD of health has its length",
    method: "HEAD",
    path: "/api/health",
    status: 200,
    exactly: "",
    answers: { "content-length": "51" },
  },
];

const reads: readonly Scenario[] = [
  {
    name: "settings without secrets",
    as: "superuser",
    path: "/api/settings",
    status: 200,
    contains: ['"appName":"Hapta tests"', '"trustedProxy":{"headers":["X-Forwarded-For"]'],
    lacks: ["password"],
  },
  {
    name: "settings change and answer the whole",
    as: "superuser",
    method: "PATCH",
    path: "/api/settings",
    json: { meta: { appName: "Renamed" } },
    status: 200,
    contains: ['"appName":"Renamed"', '"batch":{"enabled":true'],
  },
  {
    name: "settings test of a missing storage is 400",
    as: "superuser",
    method: "POST",
    path: "/api/settings/test/s3",
    json: { filesystem: "storage" },
    status: 400,
    contains: ['"status":400'],
  },
  {
    name: "collections are listed",
    as: "superuser",
    path: "/api/collections?perPage=2&sort=name&fields=name,type&filter=system%3Dfalse",
    status: 200,
    contains: ['"items":[{"name":"articleStats","type":"view"},{"name":"articles","type":"base"}]'],
  },
  {
    name: "collections refuse an unknown filter field",
    as: "superuser",
    path: "/api/collections?filter=nope%3D1",
    status: 400,
    contains: ['"data":{}'],
  },
  {
    name: "a collection is read by name",
    as: "superuser",
    path: "/api/collections/diaries",
    status: 200,
    contains: ['"listRule":"owner = @request.auth.id"', '"protected":true'],
  },
  { name: "collections are 401 for guests", path: "/api/collections/diaries", status: 401, exactly: NO_AUTH },
  {
    name: "scaffolds",
    as: "superuser",
    path: "/api/collections/meta/scaffolds?fields=base.type,auth.type,view.type",
    status: 200,
    exactly: '{"auth":{"type":"auth"},"base":{"type":"base"},"view":{"type":"view"}}\n',
  },
  {
    name: "OAuth2 providers",
    as: "superuser",
    path: "/api/collections/meta/oauth2-providers?fields=name",
    status: 200,
    contains: ['{"name":"apple"}'],
  },
  {
    name: "dry run of a view",
    as: "superuser",
    method: "POST",
    path: "/api/collections/meta/dry-run-view",
    json: { query: "select id, title from notices where id = 'notice000000001'" },
    status: 200,
    contains: ['"sample":[', '"id":"notice000000001"'],
  },
  {
    name: "SQL",
    as: "superuser",
    method: "POST",
    path: "/api/sql",
    json: { query: "select 1 as one, 'a' as b" },
    status: 200,
    contains: ['"rows":[["1","a"]]'],
  },
  {
    name: "SQL for guests is 401",
    method: "POST",
    path: "/api/sql",
    json: { query: "select 1" },
    status: 401,
    exactly: NO_AUTH,
  },
  {
    name: "crons are listed",
    as: "superuser",
    path: "/api/crons",
    status: 200,
    contains: ['{"id":"__pbDBOptimize__","expression":"0 0 * * *"}'],
  },
  {
    name: "a cron runs",
    as: "superuser",
    method: "POST",
    path: "/api/crons/__pbOTPCleanup__",
    status: 204,
    exactly: "",
  },
  {
    name: "logs are listed",
    as: "superuser",
    path: "/api/logs?perPage=1&sort=-created",
    status: 200,
    contains: ['"page":1,"perPage":1'],
  },
  { name: "log statistics", as: "superuser", path: "/api/logs/stats", status: 200, contains: ["["] },
  { name: "an unknown log is 404", as: "superuser", path: "/api/logs/nosuchlog000001", status: 404 },
  {
    name: "the dashboard's page",
    path: "/_/",
    status: 200,
    contains: ["<title>PocketBase</title>"],
    answers: { "content-type": "text/html; charset=utf-8", "content-security-policy": /connect-src 'self'/ },
  },
  {
    name: "the dashboard without its slash is redirected",
    path: "/_",
    status: 307,
    answers: { location: "/_/" },
  },
  {
    name: "a dashboard file is compressed when the client can",
    path: "/_/libs/shablon/shablon.iife.js",
    headers: [["Accept-Encoding", "gzip"]],
    status: 200,
    answers: { "content-encoding": "gzip", "cache-control": /max-age=1209600/ },
  },
  {
    name: "a dashboard file is plain when the client can not",
    path: "/_/libs/shablon/shablon.iife.js",
    status: 200,
    answers: { "content-encoding": null },
  },
];

describeTargets("superuser API", (target) => {
  testScenarios(target, [...health, ...reads]);

  test("a collection is made, changed, filled, truncated and deleted", async () => {
    const as = "superuser" as const;
    const fields = [{ name: "word", type: "text", max: 5 }];
    const json = { name: "shortlived", type: "base", listRule: "", fields };
    const made = await sendForJson(target, { as, method: "POST", path: "/api/collections", json });
    const path = `/api/collections/${made["id"]}`;
    const records = "/api/collections/shortlived/records";
    await sendForJson(target, { as, method: "POST", path: records, json: { word: "one" } });
    expect((await send(target, { path: `${records}?fields=word` })).text).toContain(
      '"items":[{"word":"one"}]',
    );
    await sendForJson(target, { as, method: "PATCH", path, json: { listRule: null } });
    expect((await send(target, { path: records })).status).toBe(403);
    expect(
      (await send(target, { as, method: "DELETE", path: "/api/collections/shortlived/truncate" })).status,
    ).toBe(204);
    expect((await send(target, { as, path: records })).text).toContain('"totalItems":0');
    expect((await send(target, { as, method: "DELETE", path })).status).toBe(204);
    expect((await send(target, { path: records })).text).toContain("Missing collection context.");
  });

  test("a collection import answers 204 and refuses nonsense", async () => {
    const collections = [
      { id: "pbc_imported001", name: "imported", type: "base", fields: [{ name: "x", type: "text" }] },
    ];
    const call = { as: "superuser", method: "PUT", path: "/api/collections/import" } as const;
    const done = await send(target, { ...call, json: { collections } });
    expect(`${done.status} ${done.framing}`).toBe("204 none");
    const refused = await send(target, { ...call, json: { collections: [] } });
    expect(refused.text).toContain('"collections":{"code":"validation_required"');
  });

  test("a backup is made, listed, downloaded with a file token only, and deleted", async () => {
    const as = "superuser" as const;
    const name = "parity.zip";
    const made = await send(target, { as, method: "POST", path: "/api/backups", json: { name } });
    expect(`${made.status} ${made.framing}`).toBe("204 none");
    const list = (await send(target, { as, path: "/api/backups" })).text;
    const { size } = (JSON.parse(list) as { key: string; size: number }[]).find((b) => b.key === name) ?? {
      size: 0,
    };
    const denied = await send(target, { as, path: `/api/backups/${name}` });
    expect(denied.status).toBe(403);
    const { token } = await sendForJson(target, { as, method: "POST", path: "/api/files/token" });
    const zip = await send(target, { path: `/api/backups/${name}?token=${token}` });
    expect(`${zip.status} ${headOf(zip, "content-length")}`).toBe(`200 ${size}`);
    expect(zip.body.subarray(0, 2).toString()).toBe("PK");
    const form = new FormData();
    form.set("file", new Blob([new Uint8Array(zip.body)], { type: "application/zip" }), "uploaded.zip");
    const uploaded = await send(target, { as, method: "POST", path: "/api/backups/upload", form });
    expect(`${uploaded.status} ${uploaded.text}`).toBe("204 ");
    for (const key of [name, "uploaded.zip"]) {
      expect((await send(target, { as, method: "DELETE", path: `/api/backups/${key}` })).status).toBe(204);
    }
    expect((await send(target, { as, path: "/api/backups" })).text).toBe("[]\n");
  });

  test("a bad backup name is a field error", async () => {
    const json = { name: "../x.zip" };
    const response = await send(target, { as: "superuser", method: "POST", path: "/api/backups", json });
    expect(response.text).toContain('"name":{"code":"validation_match_invalid"');
  });

  test("requests appear in PocketBase's log with the client's address", async () => {
    await send(target, { path: "/api/health?mark=logged" });
    const filter = encodeURIComponent("data.url ~ 'mark=logged'");
    const find = async (): Promise<string | undefined> => {
      const log = await send(target, { as: "superuser", path: `/api/logs?filter=${filter}` });
      return log.text.includes("mark=logged") ? log.text : undefined;
    };
    expect(await eventually(find, 8_000)).toContain('"userIP":"127.0.0.1"');
  });
});
