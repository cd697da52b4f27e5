// Bodies of logins: what Hapta refuses, PocketBase refuses with the same whole answer, and nothing else is refused.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { eventually } from "../support/eventually.ts";
import { changeSchema, expectAlike, expectSoonAlike, type Pair, plain, startPair } from "./ask.ts";

setDefaultTimeout(60_000);

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  const providers = [{ name: "google", clientId: "a", clientSecret: "b" }];
  const oauth2 = { enabled: true, providers };
  await changeSchema(pair, { method: "PATCH", path: "/api/collections/members", json: { oauth2 } });
  const known = call("members", "auth-with-oauth2", { provider: 5 });
  await eventually(async () => (await pair.through(known)).code === "auth_invalid", 10_000);
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
  ["auth-with-oauth2", { provider: 5 }],
  ["auth-with-oauth2", { provider: "google", code: "", redirectURL: "x", createData: [] }],
  ["auth-with-oauth2", { provider: 'n"o<p\u00e9>\n', code: "", redirectURL: "x", createData: { a: 1 } }],
  ["auth-with-oauth2", { provider: "google", redirectUrl: "x", codeVerifier: null }],
];

for (const [operation, json] of REFUSED)
  test(`validate refuses ${operation} of ${JSON.stringify(json).slice(0, 60)} as PocketBase does`, () =>
    expectAlike(pair, call("MEMBERS", operation, json), "auth_invalid"));

test("validate judges superusers' logins, too", async () => {
  await expectAlike(pair, call("_superusers", "auth-with-password", { identity: "a" }), "auth_invalid");
  await expectAlike(pair, call("_superusers", "request-password-reset", { email: "a" }), "auth_invalid");
});

test("validate judges a change of address for those who may ask for one", async () => {
  const ask = (json: unknown, as: "ada" | "superuser" | "guest", collection = "members") => ({
    ...call(collection, "request-email-change", json),
    as,
  });
  for (const newEmail of ["", "x", `${long}@b.co`, 5, null])
    await expectSoonAlike(pair, ask({ newEmail }, "ada"), "auth_invalid");
  await expectAlike(pair, ask({ newEmail: "ben@example.com" }, "ada"), undefined);
  await expectAlike(pair, ask({ newEmail: "ada@example.com" }, "ada"), undefined);
  await expectAlike(pair, ask({ newEmail: "x" }, "guest"), undefined);
  await expectAlike(pair, ask({ newEmail: "x" }, "superuser"), undefined);
  await expectAlike(pair, ask({ newEmail: "x" }, "superuser", "_superusers"), undefined);
  await expectAlike(pair, ask({ newEmail: "x" }, "ada", "keepers"), undefined);
});

test("validate judges logins in forms, by the exact names that PocketBase reads", async () => {
  const send = (form: () => FormData | URLSearchParams, code: string | undefined) =>
    expectAlike(pair, { ...call("members", "auth-with-password", undefined), form }, code);
  const parts = (fields: Record<string, string>) => () => {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) data.append(name, value);
    return data;
  };
  for (const fields of [
    { identity: "", password: "" },
    { identity: "a", PASSWORD: "b" },
    { identity: long, password: "b", other: "c" },
    { identity: "a", password: "b", identityField: "name" },
  ] as Record<string, string>[]) {
    await send(() => new URLSearchParams(fields), "auth_invalid");
    await send(parts(fields), "auth_invalid");
  }
  await send(parts({ identity: "a", password: "b" }), undefined);
  await send(parts({ identity: "a", "@jsonPayload": '{"password":5}' }), undefined);
});

test("validate judges logins without a body", () =>
  expectAlike(pair, call("members", "auth-with-password", undefined), "auth_invalid"));

test("validate leaves everything else to PocketBase", async () => {
  const passed: readonly [string, string, unknown][] = [
    ["members", "auth-with-password", { identity: "a", password: "b" }],
    ["members", "auth-with-otp", { otpId: "a", password: "b" }],
    ["members", "confirm-password-reset", { token: "x", password: "1" }],
    // Whether an address to come back to is needed depends on the version.
    ["members", "auth-with-oauth2", {}],
    ["keepers", "auth-with-oauth2", {}],
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
      "provider",
      "code",
      "redirectURL",
      "codeVerifier",
      "createData",
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
    "auth-with-oauth2",
  );
  let refused = 0;
  for (const [name, json] of fc.sample(fc.tuple(operation, body), { numRuns: 200, seed: 5 })) {
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
