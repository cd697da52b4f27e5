// The PocketBase SDK's sign-in surface against every target.
import { expect, test } from "bun:test";
import { ClientResponseError } from "pocketbase";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { describeTargets } from "../support/targets.ts";
import { guestClient, memberClient, superuserClient } from "./client.ts";

describeTargets("SDK auth", (target) => {
  test("authWithPassword fills a valid auth store, authRefresh renews it, clear ends it", async () => {
    const client = await memberClient(target, "ada@example.com");
    expect(client.authStore.isValid).toBe(true);
    expect(client.authStore.isSuperuser).toBe(false);
    expect(client.authStore.record?.id).toBe(IDS.ada);
    const refreshed = await client.collection("members").authRefresh({ expand: "profiles_via_member" });
    expect(refreshed.record["expand"]?.["profiles_via_member"]).toMatchObject({ motto: "onward" });
    expect((await client.collection("diaries").getList()).totalItems).toBe(1);
    client.authStore.clear();
    expect((await client.collection("diaries").getList()).totalItems).toBe(0);
  });

  test("a superuser's store says so", async () => {
    const client = await superuserClient(target);
    expect(client.authStore.isSuperuser).toBe(true);
  });

  test("authRefresh with a dead token is refused with 401", async () => {
    const client = guestClient(target);
    client.authStore.save("eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IngifQ.x", null);
    const failure = await client
      .collection("members")
      .authRefresh()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ClientResponseError);
    expect((failure as ClientResponseError).status).toBe(401);
  });

  test("listAuthMethods, requestOTP, authWithOTP and the MFA step work", async () => {
    const client = guestClient(target);
    expect((await client.collection("members").listAuthMethods()).otp.enabled).toBe(true);
    expect((await client.collection("members").requestOTP("nobody@example.com")).otpId.length).toBe(15);
    const first = await client
      .collection("keepers")
      .authWithPassword("kim@example.com", PASSWORD)
      .catch((error: unknown) => error);
    const mfaId = (first as ClientResponseError).response["mfaId"] as string;
    const root = await superuserClient(target);
    const otp = { collectionRef: "pbc_keepers0001", recordRef: IDS.keeper, password: "12345678" };
    const { id } = await root.collection("_otps").create(otp);
    const auth = await client.collection("keepers").authWithOTP(id, "12345678", { mfaId });
    expect(auth.record.id).toBe(IDS.keeper);
  });

  test("the mail flows answer true or field errors", async () => {
    const members = guestClient(target).collection("members");
    expect(await members.requestVerification("nobody@example.com")).toBe(true);
    expect(await members.requestPasswordReset("nobody@example.com")).toBe(true);
    const codes = await Promise.all(
      [
        members.confirmPasswordReset("x", "longenough 1", "longenough 1"),
        members.confirmEmailChange("x", "y"),
      ].map((call) =>
        call.catch((error: ClientResponseError) => error.response["data"].token.code as string),
      ),
    );
    expect(codes).toEqual(["validation_invalid_token", "validation_invalid_token_payload"]);
  });

  test("OAuth2 that is switched off is refused, linked accounts are listed and unlinked", async () => {
    const client = await memberClient(target, "ada@example.com");
    const oauth2 = client
      .collection("members")
      .authWithOAuth2Code("google", "code", "verifier", "http://x/redirect");
    expect(await oauth2.catch((error: ClientResponseError) => error.status)).toBe(403);
    expect(await client.collection("members").listExternalAuths(IDS.ada)).toEqual([]);
    const unlinked = client.collection("members").unlinkExternalAuth(IDS.ada, "google");
    expect(await unlinked.catch((error: ClientResponseError) => error.status)).toBe(404);
  });

  test("a superuser impersonates a member with a client of its own", async () => {
    const root = await superuserClient(target);
    const asAda = await root.collection("members").impersonate(IDS.ada, 60);
    expect(asAda.authStore.record?.id).toBe(IDS.ada);
    expect((await asAda.collection("diaries").getList()).totalItems).toBe(1);
    expect(root.authStore.isSuperuser).toBe(true);
  });

  test("a new member signs up, signs in and leaves", async () => {
    const client = guestClient(target);
    const account = { email: "sdk@example.com", password: PASSWORD, passwordConfirm: PASSWORD, name: "Sdk" };
    const made = await client.collection("members").create(account);
    await client.collection("members").authWithPassword(account.email, PASSWORD);
    expect((await client.collection("members").update(made.id, { name: "Changed" }))["name"]).toBe("Changed");
    expect(await client.collection("members").delete(made.id)).toBe(true);
    expect(client.authStore.record).toBeNull();
  });
});
