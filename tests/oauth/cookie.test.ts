// Logins that end with the session in a cookie, and what survives a kill: in front of a PocketBase of their own.
import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tokensIn } from "../sessions/recordingProxy.ts";
import { call, jsonOf } from "../sessions/support.ts";
import { startHapta } from "../support/hapta.ts";
import { createScratch } from "../support/scratch.ts";
import { APP_PAGE, Browser, startStand } from "./support.ts";

setDefaultTimeout(120_000);

test("a browser app gets its session in a cookie that scripts cannot read", async () => {
  await using stand = await startStand({
    config: { OAuth2: { RedirectURLs: [APP_PAGE] }, Security: { Cookies: { isEnabled: true } } },
  });
  stand.sub = "cookie";
  const browser = new Browser();
  const start = `${stand.url}/auth/oauth2/members/oidc?${new URLSearchParams({ redirect: APP_PAGE, mode: "cookie", state: "s" })}`;
  expect(await browser.follow(start, [APP_PAGE])).toBe(`${APP_PAGE}?state=s`);
  const last = browser.visits.at(-1);
  expect(last?.headers.getSetCookie().join("\n")).toMatch(
    /^hapta_session=[\w.-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/m,
  );
  const seen = await browser.visit(`${stand.url}/auth/verify`, {
    headers: { "Sec-Fetch-Site": "same-origin" },
  });
  expect(seen.status).toBe(200);
  const issued = stand.relay.issued();
  for (const { text, headers } of browser.visits)
    for (const found of tokensIn(text + JSON.stringify([...headers]))) expect(issued.has(found)).toBe(false);
  const bare = await fetch(`${stand.url}/auth/verify`);
  expect(bare.status).toBe(401);
});

test("cookie mode is refused where there are no cookie sessions, and for an app's own scheme", async () => {
  await using stand = await startStand({ config: { OAuth2: { RedirectURLs: [APP_PAGE] } } });
  const url = `${stand.url}/auth/oauth2/members/oidc?${new URLSearchParams({ redirect: APP_PAGE, mode: "cookie" })}`;
  const { status, headers } = await new Browser().visit(url);
  expect([status, headers.get("x-hapta-error")]).toEqual([400, "oauth_request_invalid"]);
});

test("a code that was handed out survives kill -9, and cannot be read off the disk", async () => {
  using data = createScratch("oauth-durable");
  await using stand = await startStand({
    config: { OAuth2: { RedirectURLs: [APP_PAGE] } },
    env: { HAPTA_DATA_DIR: data.path },
  });
  stand.sub = "durable";
  const start = `${stand.url}/auth/oauth2/members/oidc?${new URLSearchParams({ redirect: APP_PAGE })}`;
  const code = new URL(await new Browser().follow(start, [APP_PAGE])).searchParams.get("code") ?? "";
  stand.hapta.child.kill("SIGKILL");
  await stand.hapta.child.exited;
  const issued = [...stand.relay.issued()];
  const names = readdirSync(data.path).filter((name) => name.startsWith("oauth.db"));
  expect(names).toContain("oauth.db");
  for (const name of names) {
    const text = readFileSync(join(data.path, name), "latin1");
    for (const secret of [code, "durable@example.com", ...issued]) expect(text.includes(secret)).toBe(false);
  }
  await using next = await startHapta(stand.pb, {
    config: { OAuth2: { RedirectURLs: [APP_PAGE] } },
    env: { HAPTA_DATA_DIR: data.path },
  });
  const answer = await call(next.url, { path: "/auth/oauth2/token", json: { code } });
  expect((jsonOf(answer)["record"] as { email: string }).email).toBe("durable@example.com");
  expect((await call(next.url, { path: "/auth/oauth2/token", json: { code } })).status).toBe(400);
});

test("verifiers of an app's own are taken when the operator says so", async () => {
  await using stand = await startStand({
    config: { OAuth2: { Verifiers: "any", RedirectURLs: [APP_PAGE] } },
  });
  stand.sub = "own-verifier";
  const codeVerifier = "an-app's-own-verifier".padEnd(50, "x").replaceAll("'", "-");
  const challenge = new Bun.CryptoHasher("sha256").update(codeVerifier).digest("base64url");
  const methods = await (await fetch(`${stand.url}/api/collections/members/auth-methods`)).text();
  const { authURL } = (JSON.parse(methods) as { oauth2: { providers: { authURL: string }[] } }).oauth2
    .providers[0] ?? { authURL: "" };
  const url =
    authURL.replace(/code_challenge=[^&]*/, `code_challenge=${challenge}`) + encodeURIComponent(APP_PAGE);
  const code = new URL(await new Browser().follow(url, [APP_PAGE])).searchParams.get("code");
  const json = { provider: "oidc", code, codeVerifier, redirectURL: APP_PAGE };
  expect((await call(stand.url, { path: "/api/collections/members/auth-with-oauth2", json })).status).toBe(
    200,
  );
});

test("with listed origins a provider may still post its answer, and Hapta's own form counts", async () => {
  await using stand = await startStand({
    config: { OAuth2: { DeviceLogin: true }, Security: { Origins: ["https://app.example.com"] } },
  });
  const browser = new Browser();
  const posted = (path: string, origin: string) =>
    browser.visit(`${stand.url}${path}`, { form: { state: "x" }, headers: { Origin: origin } });
  expect((await posted("/auth/oauth2/callback", "https://appleid.apple.com")).status).toBe(303);
  expect((await posted("/api/oauth2-redirect", "https://appleid.apple.com")).status).toBe(303);
  const foreign = await posted("/auth/oauth2/approve", "https://appleid.apple.com");
  expect([foreign.status, foreign.headers.get("x-hapta-error")]).toEqual([403, "origin_denied"]);
  const own = await posted("/auth/oauth2/approve", stand.url);
  expect(own.headers.get("x-hapta-error")).toBe("expired_token");
});
