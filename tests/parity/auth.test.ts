// Parity of signing in with a password, refreshing and impersonating.
import { expect, test } from "bun:test";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { type Scenario, send, sendForJson, testScenarios } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";

const MEMBERS = "/api/collections/members";
const NO_AUTH =
  '{"data":{},"message":"The request requires valid record authorization token.","status":401}\n';
const post = (name: string, route: string, rest: Omit<Scenario, "name" | "path">): Scenario => ({
  name,
  method: "POST",
  path: `${MEMBERS}/${route}`,
  ...rest,
});

const passwords: readonly Scenario[] = [
  post("password login answers record and token", "auth-with-password", {
    json: { identity: "ada@example.com", password: PASSWORD },
    status: 200,
    contains: [
      '{"record":{"avatar":"","collectionId":"pbc_members0001"',
      '"email":"ada@example.com"',
      '},"token":"eyJ',
    ],
    lacks: ["remark", "tokenKey"],
    answers: { "set-cookie": null, "cache-control": null },
  }),
  post("password login matches member names in any case", "auth-with-password?fields=record.id", {
    json: { IDENTITY: "ada@example.com", Password: PASSWORD },
    status: 200,
    exactly: '{"record":{"id":"memberada000001"}}\n',
  }),
  post("password login works from a form", "auth-with-password?fields=record.id", {
    headers: [["Content-Type", "application/x-www-form-urlencoded"]],
    body: `identity=ada%40example.com&password=${encodeURIComponent(PASSWORD)}`,
    status: 200,
    exactly: '{"record":{"id":"memberada000001"}}\n',
  }),
  post("password login with a wrong password", "auth-with-password", {
    json: { identity: "ada@example.com", password: "wrong pass 1" },
    status: 400,
    exactly: '{"data":{},"message":"Failed to authenticate.","status":400}\n',
  }),
  post("password login of an unknown user reads the same", "auth-with-password", {
    json: { identity: "who@example.com", password: "wrong pass 1" },
    status: 400,
    exactly: '{"data":{},"message":"Failed to authenticate.","status":400}\n',
  }),
  post("password login without fields", "auth-with-password", {
    json: {},
    status: 400,
    exactly:
      '{"data":{"identity":{"code":"validation_required","message":"Cannot be blank."},"password":{"code":"validation_required","message":"Cannot be blank."}},"message":"An error occurred while validating the submitted data.","status":400}\n',
  }),
  post("password login by an unknown identity field", "auth-with-password", {
    json: { identity: "a", password: "x", identityField: "nope" },
    status: 400,
    contains: ['"identityField":{"code":"validation_in_invalid"'],
  }),
  {
    name: "password login of a superuser",
    method: "POST",
    path: "/api/collections/_superusers/auth-with-password?fields=record.collectionName",
    json: { identity: "root@example.com", password: "superuser secret 1" },
    status: 200,
    exactly: '{"record":{"collectionName":"_superusers"}}\n',
  },
  {
    name: "auth methods of a collection",
    path: `${MEMBERS}/auth-methods?fields=mfa,otp,password,oauth2`,
    status: 200,
    exactly:
      '{"mfa":{"duration":0,"enabled":false},"oauth2":{"enabled":false,"providers":[]},"otp":{"duration":300,"enabled":true},"password":{"enabled":true,"identityFields":["email"]}}\n',
  },
  {
    name: "auth methods of a plain collection",
    path: "/api/collections/notices/auth-methods",
    status: 404,
    exactly: '{"data":{},"message":"Missing or invalid auth collection context.","status":404}\n',
  },
];

const refreshes: readonly Scenario[] = [
  post("refresh with a token and no body", "auth-refresh?fields=record.id", {
    as: "ada",
    status: 200,
    exactly: '{"record":{"id":"memberada000001"}}\n',
  }),
  post("refresh as the SDK sends it, JSON type and empty body", "auth-refresh?fields=record.id", {
    as: "ada",
    headers: [
      ["Content-Type", "application/json"],
      ["Content-Length", "0"],
    ],
    status: 200,
    exactly: '{"record":{"id":"memberada000001"}}\n',
  }),
  post("refresh as a guest", "auth-refresh", { status: 401, exactly: NO_AUTH }),
  post("refresh with a dead token", "auth-refresh", {
    as: { token: "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IngifQ.x" },
    status: 401,
    exactly: NO_AUTH,
  }),
  post("refresh with another scheme", "auth-refresh", {
    headers: [["Authorization", "Token abc"]],
    status: 401,
    exactly: NO_AUTH,
  }),
  post("impersonate as a guest", `impersonate/${IDS.ada}`, { json: {}, status: 401, exactly: NO_AUTH }),
  post("impersonate as a user", `impersonate/${IDS.ada}`, { json: {}, as: "ben", status: 403 }),
  post("impersonate by a superuser", `impersonate/${IDS.ada}?fields=record.id`, {
    json: { duration: 60 },
    as: "superuser",
    status: 200,
    exactly: '{"record":{"id":"memberada000001"}}\n',
  }),
  post("impersonate for a negative time", `impersonate/${IDS.ada}`, {
    json: { duration: -1 },
    as: "superuser",
    status: 400,
    contains: ['"duration":{"code":"validation_min_greater_equal_than_required"'],
  }),
  post("impersonate a missing record", "impersonate/nosuch000000001", {
    json: {},
    as: "superuser",
    status: 404,
  }),
];

describeTargets("auth", (target) => {
  testScenarios(target, [...passwords, ...refreshes]);

  test("a refreshed token and its predecessor both work, bare and with Bearer in any case", async () => {
    const refreshed = await sendForJson(target, {
      as: "ada",
      method: "POST",
      path: `${MEMBERS}/auth-refresh`,
    });
    for (const token of [
      String(refreshed["token"]),
      `Bearer ${refreshed["token"]}`,
      `bEaReR ${target.world.tokens.ada}`,
    ]) {
      const seen = await send(target, {
        as: { token },
        path: `/api/collections/diaries/records/${IDS.diary}`,
      });
      expect(seen.text).toContain("private words");
    }
  });

  test("a password change ends the member's tokens", async () => {
    const login = {
      method: "POST",
      path: `${MEMBERS}/auth-with-password`,
      json: { identity: "cyd@example.com", password: PASSWORD },
    };
    const token = String((await sendForJson(target, login))["token"]);
    const json = { oldPassword: PASSWORD, password: "changed pass 2", passwordConfirm: "changed pass 2" };
    await sendForJson(target, {
      as: { token },
      method: "PATCH",
      path: `${MEMBERS}/records/${IDS.cyd}`,
      json,
    });
    const refresh = await send(target, { as: { token }, method: "POST", path: `${MEMBERS}/auth-refresh` });
    expect(refresh.text).toBe(NO_AUTH);
  });
});
