// Bodies of logins: what Hapta refuses, PocketBase refuses with the same whole answer, and nothing else is refused.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { eventually } from "../support/eventually.ts";
import { changeSchema, expectAlike, type Pair, plain, startPair } from "./ask.ts";

setDefaultTimeout(60_000);

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair[Symbol.asyncDispose]());

const call = (collection: string, operation: string, json: unknown) => ({
  method: "POST",
  path: `/api/collections/${collection}/${operation}`,
  json,
});
const long = "x".repeat(256);

const REFUSED: readonly [string, unknown][] = [
  ["auth-with-password", {}],
  ["auth-with-password", { identity: "", password: null }],
  ["auth-with-password", { identity: long, password: "ä".repeat(128) }],
  ["auth-with-password", { identity: 5, password: "x" }],
  ["auth-with-password", { IDENTITY: "a", password: ["x"] }],
  ["auth-with-password", { identity: "a", password: "b", identityField: "name" }],
  ["request-otp", { email: "ada" }],
  ["request-otp", { email: `${long}@b.co` }],
  ["auth-with-otp", { otpId: "a", password: "b".repeat(72) }],
  ["auth-with-otp", {}],
  ["request-verification", { email: "" }],
  ["request-password-reset", { email: "a@b" }],
  ["confirm-verification", { token: "" }],
  ["confirm-password-reset", { token: "", password: "1", passwordConfirm: "2" }],
  ["confirm-password-reset", { password: "12345678", passwordConfirm: "12345678" }],
  ["confirm-email-change", { password: long }],
  ["confirm-email-change", { password: "a" }],
  ["confirm-email-change", { token: 5 }],
];

for (const [operation, json] of REFUSED)
  test(`validate refuses ${operation} of ${JSON.stringify(json).slice(0, 60)} as PocketBase does`, () =>
    expectAlike(pair, call("MEMBERS", operation, json), "auth_invalid"));

test("validate judges superusers' logins, too", async () => {
  await expectAlike(pair, call("_superusers", "auth-with-password", { identity: "a" }), "auth_invalid");
  await expectAlike(pair, call("_superusers", "request-password-reset", { email: "a" }), "auth_invalid");
});

test("validate leaves everything else to PocketBase", async () => {
  const passed: readonly [string, string, unknown][] = [
    ["members", "auth-with-password", { identity: "a", password: "b" }],
    ["members", "auth-with-otp", { otpId: "a", password: "b" }],
    ["members", "confirm-password-reset", { token: "x", password: "1" }],
    ["members", "auth-with-oauth2", {}],
    ["members", "auth-refresh", {}],
    ["members", "request-email-change", {}],
    ["members", "impersonate/abc", { duration: -1 }],
    ["_superusers", "request-otp", {}],
    ["_superusers", "confirm-verification", { token: "" }],
    ["keepers", "auth-with-password", { identity: "a", password: "b" }],
    ["articles", "auth-with-password", {}],
    ["nosuch", "auth-with-password", {}],
  ];
  for (const [collection, operation, json] of passed)
    await expectAlike(pair, call(collection, operation, json), undefined);
});

test("validate refuses drawn bodies only as PocketBase does", async () => {
  const value = fc.constantFrom<unknown>(
    "",
    "a",
    "a@b.co",
    "ä".repeat(130),
    long,
    "12345678",
    null,
    5,
    true,
    [],
    "email",
  );
  const body = fc.dictionary(
    fc.constantFrom(
      "identity",
      "password",
      "identityField",
      "email",
      "otpId",
      "token",
      "passwordConfirm",
      "other",
    ),
    value,
    { maxKeys: 5 },
  );
  // Those that PocketBase answers quickly, and never with anything new.
  const operation = fc.constantFrom(
    "auth-with-password",
    "auth-with-otp",
    "confirm-password-reset",
    "confirm-verification",
  );
  let refused = 0;
  for (const [name, json] of fc.sample(fc.tuple(operation, body), { numRuns: 150, seed: 5 })) {
    const through = await pair.through(call("members", name, json));
    if (through.code !== "auth_invalid") continue;
    refused++;
    expect([name, json, plain(through)]).toEqual([
      name,
      json,
      plain(await pair.direct(call("members", name, json))),
    ]);
  }
  expect(refused).toBeGreaterThan(75);
});

test("validate follows what a collection allows", async () => {
  const change = (passwordAuth: unknown) =>
    changeSchema(pair, { method: "PATCH", path: "/api/collections/members", json: { passwordAuth } });
  const named = call("members", "auth-with-password", {
    identity: "a",
    password: "b",
    identityField: "name",
  });
  await change({ enabled: false });
  await expectAlike(pair, named, undefined);
  await change({ enabled: true, identityFields: ["email"] });
  await eventually(async () => (await pair.through(named)).code === "auth_invalid", 10_000);
  await expectAlike(pair, named, "auth_invalid");
});
