// authWithOAuth2Code through Hapta against a certified provider, and the attacks on it: OA3 to OA7, OA10, OA12, OA17.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import PocketBase from "pocketbase";
import { tokensIn } from "../sessions/recordingProxy.ts";
import { ADA, call, jsonOf, login, logout, refreshed, verdictOf, verify } from "../sessions/support.ts";
import { APP_PAGE, authorize, methodOf, START_MS, type Stand, startStand, TEST_MS } from "./support.ts";

setDefaultTimeout(TEST_MS);
let stand: Stand;
beforeAll(async () => {
  stand = await startStand({
    config: { OAuth2: { RedirectURLs: [APP_PAGE] } },
    providers: [],
  });
}, START_MS);
afterAll(async () => {
  await stand?.[Symbol.asyncDispose]();
});

const EXCHANGE = "/api/collections/members/auth-with-oauth2";

interface Redemption {
  readonly provider: string;
  readonly code: string;
  readonly codeVerifier: string;
  readonly redirectURL: string;
}

/** A fresh code with everything that belongs to it. */
const freshCode = async (sub: string): Promise<Redemption> => {
  stand.sub = sub;
  const { authURL, codeVerifier } = await methodOf(stand.url);
  const back = await authorize(authURL, APP_PAGE);
  return { provider: "oidc", code: back.get("code") ?? "", codeVerifier, redirectURL: APP_PAGE };
};

const redeem = (json: unknown, token?: string) => call(stand.url, { path: EXCHANGE, json, token });

test("the SDK's authWithOAuth2Code signs a new member up, and in again, with Hapta's tokens", async () => {
  const ids: string[] = [];
  for (const isNew of [true, false]) {
    const { code, codeVerifier } = await freshCode("sdk-code");
    const client = new PocketBase(stand.url);
    const { record, meta, token } = await client
      .collection("members")
      .authWithOAuth2Code("oidc", code, codeVerifier, APP_PAGE, { name: "By code" });
    ids.push(record.id);
    expect(meta?.["isNew"]).toBe(isNew);
    expect(record["name"]).toBe("By code");
    expect(client.authStore.isValid).toBe(true);
    expect(await verify(stand.url, token)).toBe(200);
    expect(stand.relay.issued().has(token)).toBe(false);
  }
  expect(ids[0]).toBe(ids[1] ?? "");
});

test("OA3: somebody else's code with a fresh verifier is refused", async () => {
  const stolen = await freshCode("oa3");
  const { codeVerifier } = await methodOf(stand.url);
  expect((await redeem({ ...stolen, codeVerifier })).status).toBe(400);
});

test("OA5: ten exchanges of one code at once: one succeeds", async () => {
  const code = await freshCode("oa5");
  const before = stand.provider.requests.filter((line) => line === "POST /token").length;
  const answers = await Promise.all(Array.from({ length: 10 }, () => redeem(code)));
  const verdicts = answers.map(verdictOf).sort();
  expect(verdicts).toEqual(["200 -", ...Array.from({ length: 9 }, () => "400 oauth_code_used")]);
  expect(stand.provider.requests.filter((line) => line === "POST /token").length).toBe(before + 1);
});

test("OA6: no verifier, a plain, a short and a made-up one are refused before anybody is asked", async () => {
  const code = await freshCode("oa6");
  const before = stand.provider.requests.length;
  const made = "a".repeat(43);
  for (const codeVerifier of [
    "",
    "plain",
    "b".repeat(42),
    made,
    `${code.codeVerifier.slice(0, -1)}~`,
    7,
    null,
  ]) {
    expect(verdictOf(await redeem({ ...code, codeVerifier }))).toBe("400 oauth_verifier_invalid");
  }
  expect(stand.provider.requests.length).toBe(before);
  expect((await redeem(code)).status).toBe(200);
});

test("OA7: a code of an authorization without challenge does not exist, and one of a changed challenge is worthless", async () => {
  const { authURL, codeVerifier } = await methodOf(stand.url);
  const stripped = authURL.replace(/&code_challenge=[^&]*/, "").replace(/&code_challenge_method=[^&]*/, "");
  expect(stripped).not.toContain("code_challenge");
  expect((await authorize(stripped, APP_PAGE)).get("error")).toBe("invalid_request");
  const changed = authURL.replace(/code_challenge=[^&]*/, `code_challenge=${"E".repeat(43)}`);
  const code = (await authorize(changed, APP_PAGE)).get("code");
  expect((await redeem({ provider: "oidc", code, codeVerifier, redirectURL: APP_PAGE })).status).toBe(400);
});

test("OA10: a redirect URL that is not on the list to the letter is refused", async () => {
  const code = await freshCode("oa10");
  const before = stand.provider.requests.length;
  const tricks = [
    "https://app.example.evil",
    "//evil.example",
    "http://app.example:5173/..//evil",
    "http://app.example:5173/welcome/",
    "http://app.example:5173/%2f%2fevil",
    "https://app.example:5173/welcome",
    "http://user@app.example:5173/welcome",
    "http://app.example:5173@evil.example/welcome",
    "http://app.example:5173/welcome#x",
    "http://app.example:5173/welcome?x=1",
    "HTTP://app.example:5173/welcome",
    "javascript:alert(1)//welcome",
    ` ${APP_PAGE}`,
    `${stand.url}/api/oauth2-redirect/`,
    "http://127.0.0.1/api/oauth2-redirect",
  ];
  for (const redirectURL of tricks) {
    expect(`${redirectURL} ${verdictOf(await redeem({ ...code, redirectURL }))}`).toBe(
      `${redirectURL} 400 oauth_redirect_invalid`,
    );
  }
  expect(stand.provider.requests.length).toBe(before);
});

test("a form is refused: what it says could be read differently", async () => {
  const code = await freshCode("form");
  const answer = await fetch(`${stand.url}${EXCHANGE}`, {
    method: "POST",
    body: new URLSearchParams({ ...code }),
  });
  expect(`${answer.status} ${answer.headers.get("x-hapta-error")}`).toBe("415 media_type_unsupported");
});

test("member names in other cases are the same members", async () => {
  const { provider, code, codeVerifier, redirectURL } = await freshCode("cases");
  const made = "c".repeat(43);
  const odd = { PROVIDER: provider, Code: code, CODEVERIFIER: made, redirecturl: redirectURL };
  expect(verdictOf(await redeem(odd))).toBe("400 oauth_verifier_invalid");
  const twice = await call(stand.url, {
    path: EXCHANGE,
    json: { provider, code, codeVerifier, codeverifier: made, redirectURL },
  });
  expect(verdictOf(twice)).toBe("400 body_invalid");
});

test("what PocketBase refuses before it asks a provider keeps PocketBase's answer", async () => {
  const unknown = await redeem({ provider: "nobody", code: "x", codeVerifier: "y", redirectURL: APP_PAGE });
  const direct = await call(stand.pb.url, {
    path: EXCHANGE,
    json: { provider: "nobody", code: "x", codeVerifier: "y", redirectURL: APP_PAGE },
  });
  expect(`${unknown.status} ${unknown.text}`).toBe(`${direct.status} ${direct.text}`);
  const empty = await redeem({});
  const directEmpty = await call(stand.pb.url, { path: EXCHANGE, json: {} });
  expect(`${empty.status} ${empty.text}`).toBe(`${directEmpty.status} ${directEmpty.text}`);
});

test("with a live session the provider is linked to its member; OA12: with a dead one never", async () => {
  const linkOf = async (token: string | undefined, sub: string) =>
    jsonOf(await redeem(await freshCode(sub), token));
  const ada = await login(stand.url, ADA);
  const linked = await linkOf(ada, "ada-at-oidc");
  expect((linked["record"] as { email: string }).email).toBe("ada@example.com");
  expect((linked["meta"] as { isNew: boolean }).isNew).toBe(false);
  // Without a session it is her login now.
  expect(((await linkOf(undefined, "ada-at-oidc"))["record"] as { email: string }).email).toBe(
    "ada@example.com",
  );

  const ended = await login(stand.url, ADA);
  await logout(stand.url, ended);
  const afterEnd = await linkOf(ended, "oa12-revoked");
  expect((afterEnd["record"] as { email: string }).email).toBe("oa12-revoked@example.com");

  const first = await login(stand.url, ADA);
  const second = await refreshed(stand.url, first);
  expect(await verify(stand.url, second)).toBe(200);
  const afterStale = await linkOf(`${first.slice(0, -2)}xx`, "oa12-forged");
  expect((afterStale["record"] as { email: string }).email).toBe("oa12-forged@example.com");
});

test("OA17: login methods are never shared", async () => {
  const [one, two] = await Promise.all([methodOf(stand.url), methodOf(stand.url)]);
  expect(one.codeVerifier).not.toBe(two.codeVerifier);
  expect(one.codeVerifier).toMatch(/^[A-Za-z0-9_-]{64}$/);
  const answer = await fetch(`${stand.url}/api/collections/members/auth-methods`);
  expect([answer.headers.get("age"), answer.headers.get("cache-control")]).toEqual([null, "no-store"]);
});

test("no token of PocketBase is in what a client sees of a login", async () => {
  const answer = await redeem(await freshCode("leak"));
  const issued = stand.relay.issued();
  expect(issued.size).toBeGreaterThan(0);
  for (const token of tokensIn(answer.text)) expect(issued.has(token)).toBe(false);
});
