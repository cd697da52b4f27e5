// Parity of refusals: every status PocketBase uses, in its own shape, and unknown routes and methods.
import { expect, test } from "bun:test";
import { IDS } from "../support/fixture/records.ts";
import { type Scenario, send, sendForJson, testScenarios } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";

const JSON_TYPE: readonly [string, string] = ["Content-Type", "application/json"];
const NO_FILE = '{"data":{},"message":"File not found.","status":404}\n';
const NO_RESOURCE = '{"data":{},"message":"The requested resource wasn\'t found.","status":404}\n';
const NO_AUTH =
  '{"data":{},"message":"The request requires valid record authorization token.","status":401}\n';
const NOT_ALLOWED =
  '{"data":{},"message":"The authorized record is not allowed to perform this action.","status":403}\n';

const shapes: readonly Scenario[] = [
  {
    name: "an unknown GET path is 404 as a missing file",
    path: "/api/nope",
    status: 404,
    exactly: NO_FILE,
    answers: { "content-type": "application/json", "content-length": "53" },
  },
  {
    name: "an unknown path outside the API is 404 as a missing file",
    path: "/no/such/page.html?x=1",
    status: 404,
    exactly: NO_FILE,
  },
  {
    name: "an unknown POST path is 404 as a missing resource",
    method: "POST",
    path: "/nope",
    status: 404,
    exactly: NO_RESOURCE,
  },
  {
    name: "a wrong method on a known path is 404",
    method: "PUT",
    path: "/api/health",
    status: 404,
    exactly: NO_RESOURCE,
  },
  {
    name: "DELETE on a list is 404",
    method: "DELETE",
    path: "/api/collections/notices/records",
    status: 404,
    exactly: NO_RESOURCE,
  },
  {
    name: "PUT on a record is 404",
    method: "PUT",
    path: "/api/collections/notices/records/notice000000001",
    json: {},
    status: 404,
    exactly: NO_RESOURCE,
  },
  {
    name: "a route for users is 401 for guests",
    method: "POST",
    path: "/api/files/token",
    status: 401,
    exactly: NO_AUTH,
  },
  {
    name: "a route for users is 401 with a broken token",
    method: "POST",
    as: { token: "broken" },
    path: "/api/files/token",
    status: 401,
    exactly: NO_AUTH,
  },
  { name: "a route for superusers is 401 for guests", path: "/api/settings", status: 401, exactly: NO_AUTH },
  {
    name: "a route for superusers is 403 for users",
    as: "ada",
    path: "/api/settings",
    status: 403,
    exactly: NOT_ALLOWED,
  },
  {
    name: "a collection route is 403 for users",
    as: "ada",
    path: "/api/collections",
    status: 403,
    exactly: NOT_ALLOWED,
  },
  {
    name: "a refresh in another collection is 403",
    as: "superuser",
    method: "POST",
    path: "/api/collections/members/auth-refresh",
    status: 403,
    contains: ["_superusers collection."],
  },
  {
    name: "broken JSON is 400",
    method: "POST",
    path: "/api/collections/notices/records",
    headers: [JSON_TYPE],
    body: '{"title":',
    status: 400,
    contains: ['"data":{}', '"status":400'],
  },
  {
    name: "a wrong JSON type in a login is 400",
    method: "POST",
    path: "/api/collections/members/auth-with-password",
    json: { identity: 5 },
    status: 400,
    exactly: '{"data":{},"message":"An error occurred while loading the submitted data.","status":400}\n',
  },
  {
    name: "a chunked empty body is 400 as PocketBase reads it",
    method: "POST",
    path: "/api/collections/notices/records",
    headers: [JSON_TYPE],
    body: "",
    chunkBytes: 10,
    status: 400,
  },
  {
    name: "an OTP guess is 400",
    method: "POST",
    path: "/api/collections/members/auth-with-otp",
    json: { otpId: "nope", password: "12345678" },
    status: 400,
    exactly: '{"data":{},"message":"Invalid or expired OTP.","status":400}\n',
  },
  {
    name: "a disabled auth method is 403",
    method: "POST",
    path: "/api/collections/keepers/auth-with-oauth2",
    json: { provider: "x", code: "x", codeVerifier: "y", redirectURL: "http://x" },
    status: 403,
    contains: ["not configured to allow OAuth2 authentication."],
  },
  {
    name: "a nested field error keeps its nesting",
    as: "superuser",
    method: "PATCH",
    path: "/api/settings",
    json: { rateLimits: { enabled: true, rules: [{ label: "/x/", duration: 0, maxRequests: 1 }] } },
    status: 400,
    contains: ['"rateLimits":{"rules":{"0":{"duration":{"code":"validation_required"'],
  },
  {
    name: "a collection's field error names the field by index",
    as: "superuser",
    method: "POST",
    path: "/api/collections",
    json: { name: "bad", type: "base", fields: [{ name: "a b", type: "text" }] },
    status: 400,
    contains: ['"fields":{', '"name":{"code":"validation_match_invalid"'],
  },
  {
    name: "a subscription error names the topic by index",
    method: "POST",
    path: "/api/realtime",
    json: { clientId: "x", subscriptions: ["a".repeat(2501)] },
    status: 400,
    contains: ['"subscriptions":{"0":{"code":"validation_length_too_long"'],
  },
  {
    name: "a path of a missing cron job is 404",
    as: "superuser",
    method: "POST",
    path: "/api/crons/nope",
    status: 404,
    exactly: '{"data":{},"message":"Missing or invalid cron job.","status":404}\n',
  },
];

const edges: readonly Scenario[] = [
  {
    name: "a doubled slash is redirected by PocketBase",
    path: "//api/health",
    status: 307,
    answers: { location: "/api/health" },
    deliberate: { status: 404, code: "not_found", reason: "paths have one spelling" },
  },
  {
    name: "a dot segment is redirected by PocketBase",
    path: "/x/../api/health",
    status: 307,
    answers: { location: "/api/health" },
    deliberate: { status: 404, code: "not_found", reason: "paths have one spelling" },
  },
  {
    name: "an escaped slash stays inside its segment for PocketBase",
    path: "/api/collections/a%2Fb/records",
    status: 404,
    contains: ["Missing collection context."],
    deliberate: { status: 400, code: "path_invalid", reason: "parsers disagree about escaped slashes" },
  },
  {
    name: "a broken escape in the path is 400",
    path: "/api/%zz",
    status: 400,
    contains: ["400 Bad Request"],
    deliberate: { status: 400, code: "path_invalid", reason: "same status, PocketBase's error shape" },
  },
  {
    name: "an unheard-of method is 404 for PocketBase",
    method: "PROPFIND",
    path: "/api/health",
    status: 404,
    deliberate: { status: 405, code: "method_not_allowed", reason: "seven methods are known" },
  },
];

describeTargets("errors", (target) => {
  testScenarios(target, [...shapes, ...edges]);

  test("a body over the limit of a small route is 413", async () => {
    const json = { identity: "x".repeat(33 * 1024 * 1024), password: "x" };
    const response = await send(target, {
      method: "POST",
      path: "/api/collections/members/auth-with-password",
      json,
    });
    expect(`${response.status} ${response.text}`).toStartWith("413 ");
    expect(response.text).toContain('"status":413');
  });

  test("a rate limit of PocketBase's own is 429 without retry headers", async () => {
    const rules = [{ label: "GET /api/collections/gates/", audience: "", duration: 60, maxRequests: 1 }];
    const path = "/api/settings";
    await sendForJson(target, {
      as: "superuser",
      method: "PATCH",
      path,
      json: { rateLimits: { enabled: true, rules } },
    });
    // What comes from a cache does not count for PocketBase.
    const uncached = [["Cache-Control", "no-cache"]] as const;
    const list = { path: `/api/collections/gates/records/${IDS.gate}`, headers: uncached };
    await send(target, list);
    const response = await send(target, list);
    await sendForJson(target, {
      as: "superuser",
      method: "PATCH",
      path,
      json: { rateLimits: { enabled: false, rules } },
    });
    expect(`${response.status} ${response.text}`).toStartWith('429 {"data":{},"message":');
    expect(response.headers.filter(([name]) => /retry-after|ratelimit/i.test(name))).toEqual([]);
  });
});
