// Parity of the auth flows of several steps: OTP, MFA, OAuth2 redirect and the mail flows' validation.
import { expect, test } from "bun:test";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { type Scenario, send, sendForJson, testScenarios } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";

const MEMBERS = "/api/collections/members";
const NO_AUTH =
  '{"data":{},"message":"The request requires valid record authorization token.","status":401}\n';
// Each has a page of its own; the place is relative in both.
const FAILED_PAGE = / \.\.\/(?:_\/#\/auth\/oauth2-redirect-failure|auth\/oauth2\/failed)$/;
const post = (name: string, route: string, rest: Omit<Scenario, "name" | "path">): Scenario => ({
  name,
  method: "POST",
  path: `${MEMBERS}/${route}`,
  ...rest,
});

const mails: readonly Scenario[] = [
  post("OTP request for an unknown address answers an id all the same", "request-otp", {
    json: { email: "nobody@example.com" },
    status: 200,
    contains: ['{"otpId":"'],
  }),
  post("OTP request for a malformed address", "request-otp", {
    json: { email: "bad" },
    status: 400,
    contains: ['"email":{"code":"validation_is_email"'],
  }),
  post("verification request for a malformed address", "request-verification", {
    json: { email: "bad" },
    status: 400,
    contains: ["validation_is_email"],
  }),
  post("verification request for an unknown address", "request-verification", {
    json: { email: "nobody@example.com" },
    status: 204,
    exactly: "",
  }),
  post("password reset request without an address", "request-password-reset", {
    json: {},
    status: 400,
    contains: ['"email":{"code":"validation_required"'],
  }),
  post("password reset request for an unknown address", "request-password-reset", {
    json: { email: "nobody@example.com" },
    status: 204,
    exactly: "",
  }),
  post("verification with a bad token", "confirm-verification", {
    json: { token: "bad" },
    status: 400,
    contains: ['"token":{"code":"validation_invalid_token_claims"'],
  }),
  post("password reset with a bad token", "confirm-password-reset", {
    json: { token: "bad", password: "a", passwordConfirm: "b" },
    status: 400,
    contains: [
      '"password":{"code":"validation_length_out_of_range"',
      '"passwordConfirm":{"code":"validation_values_mismatch"',
      '"token":{"code":"validation_invalid_token"',
    ],
  }),
  post("mail change request as a guest", "request-email-change", {
    json: { newEmail: "z@example.com" },
    status: 401,
    exactly: NO_AUTH,
  }),
  post("mail change request to a taken address", "request-email-change", {
    json: { newEmail: "ben@example.com" },
    as: "ada",
    status: 400,
    contains: ['"newEmail":{"code":"validation_invalid_new_email"'],
  }),
  post("mail change with a bad token", "confirm-email-change", {
    json: { token: "bad", password: "x" },
    status: 400,
    contains: [
      '"token":{"code":"validation_invalid_token_payload"',
      '"password":{"code":"validation_invalid_password"',
    ],
  }),
  {
    name: "verification does not exist for superusers",
    method: "POST",
    path: "/api/collections/_superusers/request-verification",
    json: { email: "root@example.com" },
    status: 400,
  },
  {
    name: "OAuth2 redirect without a waiting client leads to a page that says so",
    path: "/api/oauth2-redirect?state=x&code=y",
    status: 307,
    answers: { location: FAILED_PAGE },
  },
  {
    name: "OAuth2 redirect by POST is 303",
    method: "POST",
    path: "/api/oauth2-redirect",
    headers: [["Content-Type", "application/x-www-form-urlencoded"]],
    body: "state=x&code=y",
    status: 303,
    answers: { location: FAILED_PAGE },
  },
];

describeTargets("auth flows", (target) => {
  testScenarios(target, mails);

  test("MFA asks for a second factor and refuses the first one again", async () => {
    const path = "/api/collections/keepers/auth-with-password";
    const login = { identity: "kim@example.com", password: PASSWORD };
    const first = await send(target, { method: "POST", path, json: login });
    expect(`${first.status} ${first.text}`).toMatch(/^401 \{"mfaId":"[a-z0-9]{15}"\}\n$/);
    const { mfaId } = JSON.parse(first.text) as { mfaId: string };
    const again = await send(target, { method: "POST", path, json: { ...login, mfaId } });
    expect(again.text).toBe(
      '{"data":{},"message":"A different authentication method is required.","status":400}\n',
    );
    const unknown = await send(target, {
      method: "POST",
      path,
      json: { ...login, mfaId: "nosuchmfa000001" },
    });
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
    expect(`${first.status} ${first.text}`).toStartWith(
      '200 {"record":{"avatar":"","collectionId":"pbc_members0001"',
    );
    expect((await send(target, login)).text).toBe(
      '{"data":{},"message":"Invalid or expired OTP.","status":400}\n',
    );
  });

  test("OTP completes a login that needs a second factor", async () => {
    const login = { identity: "kim@example.com", password: PASSWORD };
    const first = await send(target, {
      method: "POST",
      path: "/api/collections/keepers/auth-with-password",
      json: login,
    });
    const { mfaId } = JSON.parse(first.text) as { mfaId: string };
    const json = { otpId: await createOtp("pbc_keepers0001", IDS.keeper), password: "12345678", mfaId };
    const second = await send(target, {
      method: "POST",
      path: "/api/collections/keepers/auth-with-otp",
      json,
    });
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
});
