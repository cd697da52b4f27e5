// What Hapta refuses of logins and changes, each supported PocketBase refuses with the same whole answer.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { eventually } from "../support/eventually.ts";
import { binaryOf, type PocketBaseVersion } from "../support/pocketbase.ts";
import { type Call, changeSchema, expectAlike, expectSoonAlike, type Pair, startPair } from "./ask.ts";

setDefaultTimeout(60_000);

const login = (operation: string, json: unknown, as: NonNullable<Call["as"]> = "guest"): Call => ({
  as,
  method: "POST",
  path: `/api/collections/members/${operation}`,
  json,
});
const change = (path: string, json: unknown, as: NonNullable<Call["as"]>): Call => ({
  as,
  method: "PATCH",
  path: `/api/collections/${path.replace("/", "/records/")}`,
  json,
});

const REFUSED: readonly (readonly [Call, code: string])[] = [
  [login("auth-with-password", {}), "auth_invalid"],
  [login("auth-with-password", { identity: "a", password: "b", identityField: "name" }), "auth_invalid"],
  [login("request-otp", { email: "ada" }), "auth_invalid"],
  [login("auth-with-otp", { otpId: "a", password: "b".repeat(72) }), "auth_invalid"],
  [login("confirm-password-reset", { password: "1", passwordConfirm: "2" }), "auth_invalid"],
  [login("confirm-email-change", { password: "a" }), "auth_invalid"],
  [login("request-email-change", { newEmail: "x" }, "ada"), "auth_invalid"],
  [login("auth-with-oauth2", { provider: "nope", redirectURL: "x" }), "auth_invalid"],
  [login("auth-with-oauth2", { createData: [] }), "auth_invalid"],
  [change("notices/notice000000001", { title: "", tags: ["nope"] }, "guest"), "record_invalid"],
  [change("articles/articlenews0001", { title: "x" }, "ada"), "record_invalid"],
  [change("members/memberada000001", { role: "king" }, "ada"), "record_invalid"],
  [change("members/memberada000001", { password: "x", passwordConfirm: "y" }, "ada"), "record_invalid"],
  [change("members/memberada000001", { password: "x", passwordConfirm: "x" }, "superuser"), "record_invalid"],
];

const PASSED: readonly Call[] = [
  change("articles/articlenews0001", { title: "x" }, "ben"),
  change("notices/nosuchrecord001", { title: "" }, "guest"),
  login("request-email-change", { newEmail: "x" }),
];

// Where npm has no binary of a version (it has for Linux on x64), there is nothing to compare with.
for (const version of ["0.36", "0.40"] as readonly PocketBaseVersion[])
  describe.skipIf(!existsSync(binaryOf(version)))(`validate and PocketBase ${version}`, () => {
    let pair: Pair;
    beforeAll(async () => {
      pair = await startPair({}, version);
      const oauth2 = { enabled: true, providers: [{ name: "google", clientId: "a", clientSecret: "b" }] };
      await changeSchema(pair, { method: "PATCH", path: "/api/collections/members", json: { oauth2 } });
      const known = login("auth-with-oauth2", { createData: [] });
      await eventually(async () => (await pair.through(known)).code === "auth_invalid", 10_000);
    });
    afterAll(() => pair[Symbol.asyncDispose]());

    for (const [call, code] of REFUSED)
      test(`refuse ${call.method} ${call.path} of ${JSON.stringify(call.json).slice(0, 60)} alike`, () =>
        expectSoonAlike(pair, call, code));

    test("refuse a login without an address to come back to alike, where it needs one", async () => {
      const call = login("auth-with-oauth2", { provider: "google" });
      const { body } = await expectAlike(pair, call, "auth_invalid");
      expect(JSON.stringify(body).includes("redirectURL")).toBe(version === "0.36");
    });

    test("leave the same to PocketBase", async () => {
      for (const call of PASSED) await expectAlike(pair, call, undefined);
    });
  });
