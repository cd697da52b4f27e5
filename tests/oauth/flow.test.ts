// The login that Hapta runs itself: started here, ended on a listed URL with a one-time code. Mix-ups, replays, other
// browsers, open redirects and hostile providers: OA4, OA8, OA9, OA10, OA13, OA15, OA16.
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { tokensIn } from "../sessions/recordingProxy.ts";
import { call, jsonOf, login, verdictOf, verify } from "../sessions/support.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import {
  type Behaviour,
  type HostileProvider,
  type IdTokenTrick,
  startHostileProvider,
} from "./hostileProvider.ts";
import {
  APP_PAGE,
  APP_SCHEME,
  authorize,
  Browser,
  methodOf,
  oidcOptions,
  START_MS,
  type Stand,
  startStand,
  TEST_MS,
} from "./support.ts";

setDefaultTimeout(TEST_MS);
/** How long anything may take that asks a provider. */
const PATIENCE_S = 6;

let evil: HostileProvider;
let stand: Stand;
beforeAll(async () => {
  evil = await startHostileProvider();
  // PocketBase takes an id_token on trust when it is told no keys; these two are told.
  const checked = { ...oidcOptions("oidc2", evil.url), userInfoURL: "" };
  stand = await startStand({
    config: {
      OAuth2: { RedirectURLs: [APP_PAGE, APP_SCHEME, `${APP_PAGE}?kept=1`] },
      Upstream: { FirstByteTimeout: PATIENCE_S },
    },
    providers: [checked, { ...oidcOptions("oidc3", evil.url) }],
  });
}, START_MS);
afterAll(async () => {
  await stand?.[Symbol.asyncDispose]();
  await evil?.[Symbol.asyncDispose]();
});

const startUrl = (params: Record<string, string>, provider = "oidc", collection = "members"): string =>
  `${stand.url}/auth/oauth2/${collection}/${provider}?${new URLSearchParams(params)}`;

/** Runs a login in a browser up to the app's URL, and returns what came with it. */
const run = async (
  params: Record<string, string>,
  { provider = "oidc", browser = new Browser() } = {},
): Promise<URL> => {
  const end = await browser.follow(startUrl(params, provider), [params["redirect"] ?? APP_PAGE]);
  return new URL(end);
};

const token = (json: unknown) => call(stand.url, { path: "/auth/oauth2/token", json });
const challengeOf = (verifier: string): string => createHash("sha256").update(verifier).digest("base64url");

test("a login ends on the app's page with a code, and the code is worth a session once", async () => {
  stand.sub = "flow";
  const browser = new Browser();
  const verifier = "v".repeat(50);
  const back = await run(
    { redirect: APP_PAGE, state: "the app's", challenge: challengeOf(verifier) },
    { browser },
  );
  expect([back.origin + back.pathname, back.searchParams.get("state")]).toEqual([APP_PAGE, "the app's"]);
  const code = back.searchParams.get("code") ?? "";
  const answer = await token({ code, verifier });
  expect(answer.status).toBe(200);
  const json = jsonOf(answer) as { token: string; record: { email: string }; meta: Record<string, unknown> };
  expect(json.record.email).toBe("flow@example.com");
  expect(Object.keys(json.meta).sort()).toEqual(["avatarURL", "email", "id", "isNew", "name", "username"]);
  expect(await verify(stand.url, json.token)).toBe(200);
  expect(verdictOf(await token({ code, verifier }))).toBe("400 oauth_code_invalid");
  // Nothing a client saw is worth anything at PocketBase, and only the app saw the session.
  const issued = stand.relay.issued();
  for (const text of [
    ...browser.visits.map((visit) => `${visit.text}${JSON.stringify([...visit.headers])}`),
    answer.text,
  ])
    for (const found of tokensIn(text)) expect(issued.has(found)).toBe(false);
  expect(
    browser.visits.some(({ text, headers }) => tokensIn(text + JSON.stringify([...headers])).length > 0),
  ).toBe(false);
  const sent = browser.visits[0];
  expect(sent?.headers.get("set-cookie")).toMatch(
    /^hapta_oauth=[\w-]{43}; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax$/,
  );
  expect(sent?.headers.get("referrer-policy")).toBe("no-referrer");
  const target = new URL(sent?.headers.get("location") ?? "");
  expect(target.searchParams.get("code_challenge_method")).toBe("S256");
  for (const name of ["state", "nonce", "code_challenge"])
    expect(target.searchParams.get(name)).toMatch(/^[\w-]{43}$/);
});

test("an app's own scheme needs a challenge, and a wrong verifier spends the code", async () => {
  stand.sub = "native";
  const bare = await new Browser().visit(startUrl({ redirect: APP_SCHEME }));
  expect([bare.status, bare.headers.get("x-hapta-error")]).toEqual([400, "oauth_request_invalid"]);
  const verifier = "n".repeat(43);
  const back = await run({ redirect: APP_SCHEME, challenge: challengeOf(verifier) });
  expect(back.href).toStartWith(`${APP_SCHEME}?code=`);
  const code = back.searchParams.get("code") ?? "";
  expect(verdictOf(await token({ code, verifier: "x".repeat(43) }))).toBe("400 oauth_code_invalid");
  expect(verdictOf(await token({ code, verifier }))).toBe("400 oauth_code_invalid");
  const again = await run({ redirect: APP_SCHEME, challenge: challengeOf(verifier) });
  expect((await token({ code: again.searchParams.get("code"), verifier })).status).toBe(200);
});

test("a code without challenge takes no verifier, and one with a challenge takes nothing else", async () => {
  const plain = await run({ redirect: APP_PAGE });
  expect(verdictOf(await token({ code: plain.searchParams.get("code"), verifier: "x".repeat(43) }))).toBe(
    "400 oauth_code_invalid",
  );
  const bound = await run({ redirect: APP_PAGE, challenge: challengeOf("b".repeat(43)) });
  expect(verdictOf(await token({ code: bound.searchParams.get("code") }))).toBe("400 oauth_code_invalid");
});

test("ten apps with one code: one session", async () => {
  const code = (await run({ redirect: APP_PAGE })).searchParams.get("code");
  const answers = await Promise.all(Array.from({ length: 10 }, () => token({ code })));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 400)]);
});

test("a listed URL keeps its own query", async () => {
  const back = await run({ redirect: `${APP_PAGE}?kept=1` });
  expect([back.searchParams.get("kept"), back.searchParams.has("code")]).toEqual(["1", true]);
});

test("OA10: a redirect that is not listed to the letter is refused, and nothing in a query becomes a place", async () => {
  const tricks = [
    "",
    "https://app.example.evil",
    "//evil.example",
    `${APP_PAGE}/`,
    `${APP_PAGE}/../..//evil`,
    `${APP_PAGE}#x`,
    `${APP_PAGE}?x=1`,
    "http://app.example:5173@evil.example/welcome",
    "myapp://evil",
    "javascript:alert(1)",
    `${APP_PAGE}\r\nSet-Cookie: a=b`,
  ];
  for (const redirect of tricks) {
    const { status, headers } = await new Browser().visit(startUrl({ redirect }));
    expect([redirect, status, headers.get("x-hapta-error"), headers.get("location")]).toEqual([
      redirect,
      400,
      "oauth_redirect_invalid",
      null,
    ]);
  }
  const twice = await new Browser().visit(`${startUrl({ redirect: APP_PAGE })}&redirect=http://evil.example`);
  expect([twice.status, twice.headers.get("location")]).toEqual([400, null]);
});

test("what is not offered is 404, and a browser gets a page", async () => {
  for (const url of [
    startUrl({ redirect: APP_PAGE }, "nobody"),
    startUrl({ redirect: APP_PAGE }, "oidc", "articles"),
    startUrl({ redirect: APP_PAGE }, "oidc", "none"),
  ]) {
    const { status, headers, text } = await new Browser().visit(url);
    expect([status, headers.get("x-hapta-error")]).toEqual([404, "oauth_provider_unknown"]);
    expect(text).toStartWith("<!doctype html>");
  }
  const asJson = await call(stand.url, {
    path: `/auth/oauth2/members/nobody?redirect=${encodeURIComponent(APP_PAGE)}`,
  });
  expect(jsonOf(asJson)["status"]).toBe(404);
});

/** Starts a login and goes as far as the provider's answer, without delivering it. */
const answerOf = async (browser: Browser, provider = "oidc"): Promise<URL> => {
  const callback = `${stand.url}/auth/oauth2/callback`;
  return new URL(await browser.follow(startUrl({ redirect: APP_PAGE }, provider), [callback]));
};

test("an answer counts in the browser that asked (login CSRF), once, and with its own state", async () => {
  stand.sub = "csrf";
  const [attacker, victim] = [new Browser(), new Browser("203.0.113.21")];
  const answer = await answerOf(attacker);
  const foreign = await victim.visit(answer.href);
  expect([foreign.status, foreign.headers.get("x-hapta-error")]).toEqual([400, "oauth_state_invalid"]);
  // With a login of his own under way it is no different.
  const own = await answerOf(victim);
  expect((await victim.visit(answer.href)).status).toBe(400);
  const mixed = new URL(own);
  mixed.searchParams.set("state", answer.searchParams.get("state") ?? "");
  expect((await victim.visit(mixed.href)).status).toBe(400);
  expect((await victim.visit(own.href)).status).toBe(303);
  expect((await victim.visit(own.href)).headers.get("x-hapta-error")).toBe("oauth_state_invalid");
  expect((await attacker.visit(answer.href)).status).toBe(303);
});

test("state, code and slips of one kind are no secrets of another", async () => {
  const browser = new Browser();
  const answer = await answerOf(browser);
  const state = answer.searchParams.get("state");
  expect(verdictOf(await token({ code: state }))).toBe("400 oauth_code_invalid");
  for (const code of ["", "x", "%00", "a".repeat(5000)]) expect((await token({ code })).status).toBe(400);
});

test("two tabs of one browser end each with its own login", async () => {
  const browser = new Browser();
  const [one, two] = [await answerOf(browser), await answerOf(browser)];
  for (const answer of [two, one])
    expect((await browser.visit(answer.href)).headers.get("location")).toContain("?code=");
});

test("somebody who says no comes back to the app with the provider's word for it", async () => {
  stand.denies = true;
  try {
    const back = await run({ redirect: APP_PAGE, state: "s" });
    expect([back.searchParams.get("error"), back.searchParams.get("state")]).toEqual(["access_denied", "s"]);
  } finally {
    stand.denies = false;
  }
});

test("an error text of a provider becomes a word or nothing", async () => {
  const browser = new Browser();
  const answer = await answerOf(browser);
  const state = answer.searchParams.get("state") ?? "";
  const url = `${stand.url}/auth/oauth2/callback?${new URLSearchParams({ state, error: "<script>\r\nx: y" })}`;
  expect((await browser.visit(url)).headers.get("location")).toBe(`${APP_PAGE}?error=server_error`);
});

test("OA14: an answer that is posted leads on to the same page by GET", async () => {
  const browser = new Browser();
  const answer = await answerOf(browser);
  const form = Object.fromEntries(answer.searchParams);
  const posted = await browser.visit(`${stand.url}/auth/oauth2/callback`, {
    form,
    headers: { Origin: "https://appleid.apple.com" },
  });
  expect(posted.status).toBe(303);
  const next = await browser.visit(new URL(posted.headers.get("location") ?? "", posted.url).href);
  expect(next.headers.get("location")).toContain(`${APP_PAGE}?code=`);
});

test("OA4, OA8: a code or verifier of one provider is refused at another, who hears nothing of it", async () => {
  const honest = await methodOf(stand.url, "oidc");
  const code = (await authorize(honest.authURL, APP_PAGE)).get("code");
  const hostile = await methodOf(stand.url, "oidc2");
  const before = evil.requests.length;
  const path = "/api/collections/members/auth-with-oauth2";
  const json = { provider: "oidc2", code, codeVerifier: honest.codeVerifier, redirectURL: APP_PAGE };
  expect(verdictOf(await call(stand.url, { path, json }))).toBe("400 oauth_verifier_invalid");
  const crossed = { ...json, provider: "oidc", codeVerifier: hostile.codeVerifier };
  expect(verdictOf(await call(stand.url, { path, json: crossed }))).toBe("400 oauth_verifier_invalid");
  expect(evil.requests.length).toBe(before);
});

test("OA9: an answer that names another issuer is refused before the code goes anywhere", async () => {
  for (const iss of [stand.provider.url, "https://accounts.google.com", "not a url"]) {
    evil.iss = iss;
    const before = evil.requests.filter((line) => line === "POST /token").length;
    const back = await run({ redirect: APP_PAGE }, { provider: "oidc2" });
    expect(back.searchParams.get("error")).toBe("server_error");
    expect(evil.requests.filter((line) => line === "POST /token").length).toBe(before);
  }
  evil.iss = undefined;
});

test("OA15: no trick with an id_token makes a login", async () => {
  const tricks: readonly IdTokenTrick[] = [
    "alg none",
    "alg HS256 with the public key",
    "another key",
    "another audience",
    "another issuer",
    "expired",
    "no subject",
    "another nonce",
  ];
  for (const trick of tricks) {
    evil.trick = trick;
    evil.sub = `trick-${trick.replaceAll(" ", "-")}`;
    const back = await run({ redirect: APP_PAGE }, { provider: "oidc2" });
    expect([trick, back.searchParams.get("error"), back.searchParams.has("code")]).toEqual([
      trick,
      "access_denied",
      false,
    ]);
  }
  evil.trick = "honest";
  evil.sub = "honest";
  expect((await run({ redirect: APP_PAGE }, { provider: "oidc2" })).searchParams.has("code")).toBe(true);
});

test("OA13: a provider's login takes over an account that somebody registered in advance", async () => {
  const email = "victim@example.com";
  const early = { email, password: PASSWORD, passwordConfirm: PASSWORD, name: "Attacker" };
  await call(stand.url, { path: "/api/collections/members/records", json: early });
  const attackers = await login(stand.url, { email });
  expect(await verify(stand.url, attackers)).toBe(200);
  stand.sub = "victim";
  const answer = await token({ code: (await run({ redirect: APP_PAGE })).searchParams.get("code") });
  expect((jsonOf(answer)["record"] as { email: string }).email).toBe(email);
  expect(await verify(stand.url, attackers)).toBe(401);
  const again = await call(stand.url, {
    path: "/api/collections/members/auth-with-password",
    json: { identity: email, password: PASSWORD },
  });
  expect(again.status).toBe(400);
});

test("OA13: an e-mail address that the provider does not vouch for takes nothing over", async () => {
  const email = "careful@example.com";
  const early = { email, password: PASSWORD, passwordConfirm: PASSWORD, name: "Careful" };
  await call(stand.url, { path: "/api/collections/members/records", json: early });
  const own = await login(stand.url, { email });
  evil.sub = "careful";
  evil.verified = false;
  const back = await run({ redirect: APP_PAGE }, { provider: "oidc2" });
  evil.verified = true;
  const answer = back.searchParams.has("code")
    ? await token({ code: back.searchParams.get("code") })
    : undefined;
  const record = answer === undefined ? {} : (jsonOf(answer)["record"] as { email?: string });
  expect(record.email).not.toBe(email);
  expect(await verify(stand.url, own)).toBe(200);
});

test("OA16: a provider that loops, floods, leads astray or talks nonsense costs one failed login", async () => {
  const behaviours: readonly Behaviour[] = [
    "says no",
    "talks nonsense",
    "loops",
    "leads to loopback",
    "floods",
  ];
  for (const behaviour of behaviours) {
    evil.behaviour = behaviour;
    const back = await run({ redirect: APP_PAGE }, { provider: "oidc2" });
    expect([behaviour, back.searchParams.has("error"), back.searchParams.has("code")]).toEqual([
      behaviour,
      true,
      false,
    ]);
  }
  evil.behaviour = "answers";
});

test("OA16: a provider that stalls or drips costs one failed login, and ends in time", async () => {
  const runs = (["stalls", "drips"] as const).map(async (behaviour) => {
    // Its token endpoint looks at the behaviour when it is asked.
    evil.behaviour = behaviour;
    const startedMs = performance.now();
    const back = await run({ redirect: APP_PAGE }, { provider: "oidc2" });
    expect([back.searchParams.has("error"), back.searchParams.has("code")]).toEqual([true, false]);
    return performance.now() - startedMs;
  });
  for (const tookMs of await Promise.all(runs)) expect(tookMs).toBeGreaterThan(PATIENCE_S * 1000 - 100);
  evil.behaviour = "answers";
}, 60_000);

test("a second factor that is missing is said when the code is exchanged, as PocketBase says it", async () => {
  await using mfa = await startStand({
    config: { OAuth2: { RedirectURLs: [APP_PAGE] } },
    collection: {
      mfa: { enabled: true, duration: 600, rule: "" },
      otp: { enabled: true, duration: 300, length: 8 },
    },
  });
  const browser = new Browser();
  const url = `${mfa.url}/auth/oauth2/members/oidc?redirect=${encodeURIComponent(APP_PAGE)}`;
  const code = new URL(await browser.follow(url, [APP_PAGE])).searchParams.get("code");
  const answer = await call(mfa.url, { path: "/auth/oauth2/token", json: { code } });
  expect(`${answer.status} ${answer.text}`).toMatch(/^401 \{"mfaId":"[a-z0-9]{15}"\}\n$/);
});

test("a login that cannot be stored is refused for the time being, and the next one works", async () => {
  const start = `${stand.url}/auth/oauth2/members/oidc?redirect=${encodeURIComponent(APP_PAGE)}`;
  const db = new Database(join(stand.hapta.dataDir, "oauth.db"));
  db.run("BEGIN IMMEDIATE");
  const busy = await fetch(start, { redirect: "manual" });
  db.run("ROLLBACK");
  db.close();
  expect([busy.status, busy.headers.get("x-hapta-error"), busy.headers.get("retry-after")]).toEqual([
    503,
    "oauth_busy",
    "30",
  ]);
  expect((await fetch(start, { redirect: "manual" })).status).toBe(303);
});
