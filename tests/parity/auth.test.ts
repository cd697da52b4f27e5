// Parity of the auth endpoints: logins, refresh, OTP, MFA, mail flows' validation, impersonation.
import { expect, test } from "bun:test";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { send, sendForJson, testScenarios, type Scenario } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";

const MEMBERS = "/api/collections/members";
const NO_AUTH = '{"data":{},"message":"The request requires valid record authorization token.","status":401}\n';
const post = (name: string, route: string, json: unknown, rest: Omit<Scenario, "name" | "path">): Scenario => ({
  name,
  method: "POST",
  path: `${MEMBERS}/${route}`,
  json,
  ...rest,
});

const passwords: readonly Scenario[] = [
  post("password login answers record and token", "auth-with-password", { identity: "ada@example.com", password: PASSWORD }, { status: 200, contains: ['{"record":{"avatar":"","collectionId":"pbc_members0001"', '"email":"ada@example.com"', '},"token":"eyJ'], lacks: ["remark", "tokenKey"], answers: { "set-cookie": null, "cache-control": null } }),
  post("password login matches member names in any case", "auth-with-password?fields=record.id", { IDENTITY: "ada@example.com", Password: PASSWORD }, { status: 200, exactly: '{"record":{"id":"memberada000001"}}\n' }),
  post("password login works from a form", "auth-with-password?fields=record.id", undefined, { headers: [["Content-Type", "application/x-www-form-urlencoded"]], body: `identity=ada%40example.com&password=${encodeURIComponent(PASSWORD)}`, status: 200, exactly: '{"record":{"id":"memberada000001"}}\n' }),
  post("password login with a wrong password", "auth-with-password", { identity: "ada@example.com", password: "wrong pass 1" }, { status: 400, exactly: '{"data":{},"message":"Failed to authenticate.","status":400}\n' }),
  post("password login of an unknown user reads the same", "auth-with-password", { identity: "who@example.com", password: "wrong pass 1" }, { status: 400, exactly: '{"data":{},"message":"Failed to authenticate.","status":400}\n' }),
  post("password login without fields", "auth-with-password", {}, { status: 400, exactly: '{"data":{"identity":{"code":"validation_required","message":"Cannot be blank."},"password":{"code":"validation_required","message":"Cannot be blank."}},"message":"An error occurred while validating the submitted data.","status":400}\n' }),
  post("password login by an unknown identity field", "auth-with-password", { identity: "a", password: "x", identityField: "nope" }, { status: 400, contains: ['"identityField":{"code":"validation_in_invalid"'] }),
  { name: "password login of a superuser", method: "POST", path: "/api/collections/_superusers/auth-with-password?fields=record.collectionName", json: { identity: "root@example.com", password: "superuser secret 1" }, status: 200, exactly: '{"record":{"collectionName":"_superusers"}}\n' },
  { name: "auth methods of a collection", path: `${MEMBERS}/auth-methods?fields=mfa,otp,password,oauth2`, status: 200, exactly: '{"mfa":{"duration":0,"enabled":false},"oauth2":{"enabled":false,"providers":[]},"otp":{"duration":300,"enabled":true},"password":{"enabled":true,"identityFields":["email"]}}\n' },
  { name: "auth methods of a plain collection", path: "/api/collections/notices/auth-methods", status: 404, exactly: '{"data":{},"message":"Missing or invalid auth collection context.","status":404}\n' },
];

const refreshes: readonly Scenario[] = [
  post("refresh with a token and no body", "auth-refresh?fields=record.id", undefined, { as: "ada", status: 200, exactly: '{"record":{"id":"memberada000001"}}\n' }),
  post("refresh as the SDK sends it, JSON type and empty body", "auth-refresh?fields=record.id", undefined, { as: "ada", headers: [["Content-Type", "application/json"], ["Content-Length", "0"]], status: 200, exactly: '{"record":{"id":"memberada000001"}}\n' }),
  post("refresh as a guest", "auth-refresh", undefined, { status: 401, exactly: NO_AUTH }),
  post("refresh with a dead token", "auth-refresh", undefined, { as: { token: "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IngifQ.x" }, status: 401, exactly: NO_AUTH }),
  post("refresh with another scheme", "auth-refresh", undefined, { headers: [["Authorization", "Token abc"]], status: 401, exactly: NO_AUTH }),
  post("impersonate as a guest", `impersonate/${IDS.ada}`, {}, { status: 401, exactly: NO_AUTH }),
  post("impersonate as a user", `impersonate/${IDS.ada}`, {}, { as: "ben", status: 403 }),
  post("impersonate by a superuser", `impersonate/${IDS.ada}?fields=record.id`, { duration: 60 }, { as: "superuser", status: 200, exactly: '{"record":{"id":"memberada000001"}}\n' }),
  post("impersonate for a negative time", `impersonate/${IDS.ada}`, { duration: -1 }, { as: "superuser", status: 400, contains: ['"duration":{"code":"validation_min_greater_equal_than_required"'] }),
  post("impersonate a missing record", "impersonate/nosuch000000001", {}, { as: "superuser", status: 404 }),
];

const mails: readonly Scenario[] = [
  post("OTP request for an unknown address answers an id all the same", "request-otp", { email: "nobody@example.com" }, { status: 200, contains: ['{"otpId":"'] }),
  post("OTP request for a malformed address", "request-otp", { email: "bad" }, { status: 400, contains: ['"email":{"code":"validation_is_email"'] }),
  post("verification request for a malformed address", "request-verification", { email: "bad" }, { status: 400, contains: ["validation_is_email"] }),
  post("verification request for an unknown address", "request-verification", { email: "nobody@example.com" }, { status: 204, exactly: "" }),
  post("password reset request without an address", "request-password-reset", {}, { status: 400, contains: ['"email":{"code":"validation_required"'] }),
  post("password reset request for an unknown address", "request-password-reset", { email: "nobody@example.com" }, { status: 204, exactly: "" }),
  post("verification with a bad token", "confirm-verification", { token: "bad" }, { status: 400, contains: ['"token":{"code":"validation_invalid_token_claims"'] }),
  post("password reset with a bad token", "confirm-password-reset", { token: "bad", password: "a", passwordConfirm: "b" }, { status: 400, contains: ['"password":{"code":"validation_length_out_of_range"', '"passwordConfirm":{"code":"validation_values_mismatch"', '"token":{"code":"validation_invalid_token"'] }),
  post("mail change request as a guest", "request-email-change", { newEmail: "z@example.com" }, { status: 401, exactly: NO_AUTH }),
  post("mail change request to a taken address", "request-email-change", { newEmail: "ben@example.com" }, { as: "ada", status: 400, contains: ['"newEmail":{"code":"validation_invalid_new_email"'] }),
  post("mail change with a bad token", "confirm-email-change", { token: "bad", password: "x" }, { status: 400, contains: ['"token":{"code":"validation_invalid_token_payload"', '"password":{"code":"validation_invalid_password"'] }),
  { name: "verification does not exist for superusers", method: "POST", path: "/api/collections/_superusers/request-verification", json: { email: "root@example.com" }, status: 400 },
  { name: "OAuth2 redirect without a waiting client keeps its relative place", path: "/api/oauth2-redirect?state=x&code=y", status: 307, answers: { location: "../_/#/auth/oauth2-redirect-failure" } },
  { name: "OAuth2 redirect by POST is 303", method: "POST", path: "/api/oauth2-redirect", headers: [["Content-Type", "application/x-www-form-urlencoded"]], body: "state=x&code=y", status: 303, answers: { location: "../_/#/auth/oauth2-redirect-failure" } },
];

describeTargets("auth", (target) => {
  testScenarios(target, [...passwords, ...refreshes, ...mails]);

  test("a refreshed token and its predecessor both work, bare and with Bearer in any case", async () => {
    const refreshed = await sendForJson(target, { as: "ada", method: "POST", path: `${MEMBERS}/auth-refresh` });
    for (const token of [String(refreshed["token"]), `Bearer ${refreshed["token"]}`, `bEaReR ${target.world.tokens.ada}`]) {
      const seen = await send(target, { as: { token }, path: `/api/collections/diaries/records/${IDS.diary}` });
      expect(seen.text).toContain("private words");
    }
  });

  test("MFA asks for a second factor and refuses the first one again", async () => {
    const path = "/api/collections/keepers/auth-with-password";
    const login = { identity: "kim@example.com", password: PASSWORD };
    const first = await send(target, { method: "POST", path, json: login });
    expect(`${first.status} ${first.text}`).toMatch(/^401 \{"mfaId":"[a-z0-9]{15}"\}\n$/);
    const { mfaId } = JSON.parse(first.text) as { mfaId: string };
    const again = await send(target, { method: "POST", path, json: { ...login, mfaId } });
    expect(again.text).toBe('{"data":{},"message":"A different authentication method is required.","status":400}\n');
    const unknown = await send(target, { method: "POST", path, json: { ...login, mfaId: "nosuchmfa000001" } });
    expect(unknown.text).toBe('{"data":{},"message":"Invalid or expired MFA session.","status":400}\n');
  });

  // Mails do not leave the test machine, so the superuser writes the one-time password himself.
  const createOtp = async (collectionRef: string, recordRef: string): Promise<string> => {
    const json = { collectionRef, recordRef, password: "12345678" };
    const path = "/api/collections/_otps/records";
    return String((await sendForJson(target, { as: "superuser", method: "POST", path, json }))["id"]);
  };

  test("OTP login answers record and token once", async () => {
    const otpId = await createOtp("pbc_members0001", IDS.ada);
    const login = { method: "POST", path: `${MEMBERS}/auth-with-otp`, json: { otpId, password: "12345678" } };
    const first = await send(target, login);
    expect(`${first.status} ${first.text}`).toStartWith('200 {"record":{"avatar":"","collectionId":"pbc_members0001"');
    expect((await send(target, login)).text).toBe('{"data":{},"message":"Invalid or expired OTP.","status":400}\n');
  });

  test("OTP completes a login that needs a second factor", async () => {
    const login = { identity: "kim@example.com", password: PASSWORD };
    const first = await send(target, { method: "POST", path: "/api/collections/keepers/auth-with-password", json: login });
    const { mfaId } = JSON.parse(first.text) as { mfaId: string };
    const json = { otpId: await createOtp("pbc_keepers0001", IDS.keeper), password: "12345678", mfaId };
    const second = await send(target, { method: "POST", path: "/api/collections/keepers/auth-with-otp", json });
    expect(`${second.status} ${second.text}`).toStartWith('200 {"record":{"collectionId":"pbc_keepers0001"');
  });

  test("OTP guessing is stopped by PocketBase with 429", async () => {
    const otpId = await createOtp("pbc_members0001", IDS.ben);
    const statuses: number[] = [];
    for (let i = 0; i < 7; i++) {
      const json = { otpId, password: `0000000${i}` };
      statuses.push((await send(target, { method: "POST", path: `${MEMBERS}/auth-with-otp`, json })).status);
    }
    expect(statuses).toEqual([400, 400, 400, 400, 400, 429, 429]);
  });

  test("a password change ends the member's tokens", async () => {
    const login = { method: "POST", path: `${MEMBERS}/auth-with-password`, json: { identity: "cyd@example.com", password: PASSWORD } };
    const token = String((await sendForJson(target, login))["token"]);
    const json = { oldPassword: PASSWORD, password: "changed pass 2", passwordConfirm: "changed pass 2" };
    await sendForJson(target, { as: { token }, method: "PATCH", path: `${MEMBERS}/records/${IDS.cyd}`, json });
    const refresh = await send(target, { as: { token }, method: "POST", path: `${MEMBERS}/auth-refresh` });
    expect(refresh.text).toBe(NO_AUTH);
  });
});
