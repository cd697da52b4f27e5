// The SDK's popup flow through Hapta: a page of another origin, public clients, a real Chromium, a certified provider.
// And the attacks on its redirect: OA1, OA2, OA11, OA14, OA18.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { EventSource } from "eventsource";
import type { Browser as Chromium, Page } from "playwright-core";
import PocketBase from "pocketbase";
import { tokensIn } from "../sessions/recordingProxy.ts";
import { CHROMIUM, launchChromium } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { PROJECT_DIR } from "../support/scratch.ts";
import { Browser, START_MS, type Stand, startStand, TEST_MS } from "./support.ts";

setDefaultTimeout(TEST_MS);
const OUTSIDE = { "X-Forwarded-For": "203.0.113.20" };

let stand: Stand;
beforeAll(async () => {
  stand = await startStand();
}, START_MS);
afterAll(async () => {
  await stand?.[Symbol.asyncDispose]();
});

const redirect = (query: string, init: RequestInit = {}, address = "203.0.113.20"): Promise<Response> =>
  fetch(`${stand.url}/api/oauth2-redirect${query}`, {
    redirect: "manual",
    ...init,
    headers: { ...init.headers, "X-Forwarded-For": address },
  });

/** The SDK's own flow, up to the point where a browser is sent away; from `OUTSIDE`. */
const startSdk = (url = stand.url) => {
  const client = new PocketBase(url);
  const seen = Promise.withResolvers<string>();
  client.beforeSend = (url, options) => ({
    url,
    options: { ...options, headers: { ...options.headers, ...OUTSIDE } },
  });
  const login = client.collection("members").authWithOAuth2({ provider: "oidc", urlCallback: seen.resolve });
  return { client, login, authUrl: seen.promise };
};

// The SDK's realtime connection has no headers of its own: these are added as by a proxy in front.
class OutsideEventSource extends EventSource {
  constructor(url: string) {
    super(url, {
      fetch: (target, init) => fetch(target, { ...init, headers: { ...init.headers, ...OUTSIDE } }),
    });
  }
}
const before: unknown = Reflect.get(globalThis, "EventSource");
beforeAll(() => {
  Object.assign(globalThis, { EventSource: OutsideEventSource });
});
afterAll(() => {
  Object.assign(globalThis, { EventSource: before });
});

const PAGE =
  '<!doctype html><title>App</title><script src="/sdk.js"></script><button id="go">Sign in</button><output></output>';

/** A page of an app on an origin of its own that holds the unmodified SDK. */
const startApp = async (gateway: string): Promise<{ server: Server; url: string }> => {
  const sdk = await Bun.file(join(PROJECT_DIR, "node_modules/pocketbase/dist/pocketbase.umd.js")).text();
  const script = `<script>
    const pb = new PocketBase(${JSON.stringify(gateway)});
    document.querySelector("#go").onclick = () => pb.collection("members").authWithOAuth2({ provider: "oidc" })
      .then(({ record }) => document.querySelector("output").textContent = record.email + " " + pb.authStore.isValid)
      .catch((error) => document.querySelector("output").textContent = "failed: " + error.message);
  </script>`;
  const server = createServer((request, response) => {
    const isSdk = request.url === "/sdk.js";
    response
      .setHeader("Content-Type", isSdk ? "text/javascript" : "text/html")
      .end(isSdk ? sdk : PAGE + script);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return { server, url: `http://localhost:${typeof address === "object" ? address?.port : ""}` };
};

describe.skipIf(!CHROMIUM)("in Chromium", () => {
  let browser: Chromium;
  let shown: Stand;
  let app: { server: Server; url: string };
  beforeAll(async () => {
    // The browser comes from loopback, so `/_/` is hidden from everybody, as it is from clients outside.
    shown = await startStand({
      showsForms: true,
      config: { Network: { TrustedProxies: [] }, Admin: { Access: "off" } },
    });
    app = await startApp(shown.url);
    browser = await launchChromium();
  }, START_MS);
  afterAll(async () => {
    await browser?.close();
    app?.server.closeAllConnections();
    app?.server.close();
    await shown?.[Symbol.asyncDispose]();
  });

  /** Clicks, signs in at the provider's own form in the popup. */
  const signInAs = async (page: Page, name: string): Promise<Page> => {
    const [popup] = await Promise.all([page.waitForEvent("popup"), page.locator("#go").click()]);
    await popup.locator('input[name="login"]').fill(name);
    await popup.locator('input[name="password"]').fill("any");
    await popup.locator('button[type="submit"]').click();
    return popup;
  };

  test("a click, a popup, the provider's form, and the app has a session", async () => {
    await using context = await browser.newContext();
    const page = await context.newPage();
    const faults: string[] = [];
    const texts: Promise<string>[] = [];
    context.on("page", (opened) => opened.on("console", (message) => faults.push(message.text())));
    context.on("response", (response) => {
      if (response.url().startsWith(shown.url)) texts.push(response.text().catch(() => ""));
    });
    await page.goto(app.url);
    const popup = await signInAs(page, "pia");
    const closed = popup.waitForEvent("close");
    await popup.locator('button[type="submit"]').click();
    await eventually(
      async () => (await page.locator("output").textContent()) === "pia@example.com true",
      10_000,
    );
    await closed;
    expect(faults.filter((text) => /content security|refused/i.test(text))).toEqual([]);
    const token = await page.evaluate<string>('JSON.parse(localStorage.getItem("pocketbase_auth")).token');
    expect(shown.relay.issued().has(token)).toBe(false);
    for (const text of await Promise.all(texts))
      for (const found of tokensIn(text)) expect(shown.relay.issued().has(found)).toBe(false);
  });

  test("somebody who says no at the provider comes back to a failed login", async () => {
    await using context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(app.url);
    const popup = await signInAs(page, "nora");
    await popup.getByText("[ Cancel ]").click();
    const failed = async (): Promise<boolean> =>
      ((await page.locator("output").textContent()) ?? "").startsWith("failed");
    await eventually(failed, 10_000);
  });

  test("the pages read well on a phone, and say what happened", async () => {
    await using context = await browser.newContext({ viewport: { width: 360, height: 640 } });
    const page = await context.newPage();
    await page.goto(`${shown.url}/auth/oauth2/failed`);
    expect(await page.getByRole("heading").textContent()).toBe("Login failed");
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
  });
});

test("the SDK's popup flow for a client from outside ends at Hapta's own page", async () => {
  stand.sub = "outside";
  const { login, authUrl } = startSdk();
  const browser = new Browser();
  const end = await browser.follow(await authUrl, []);
  expect(new URL(end).pathname).toBe("/auth/oauth2/done");
  const { record, token } = await login;
  expect(record["email"]).toBe("outside@example.com");
  expect(stand.relay.issued().has(token)).toBe(false);
  const page = browser.visits.at(-1);
  expect(page?.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(page?.headers.get("referrer-policy")).toBe("no-referrer");
  expect(page?.text).not.toContain("src=");
  const back = browser.visits.at(-2);
  expect([back?.status, back?.headers.get("location")]).toEqual([307, "../auth/oauth2/done"]);
  for (const visit of browser.visits)
    for (const found of tokensIn(visit.text)) expect(stand.relay.issued().has(found)).toBe(false);
});

test("OA1, OA11: a state answered from another address reaches nobody, and does not spend it", async () => {
  stand.sub = "oa1";
  const { login, authUrl } = startSdk();
  const url = await authUrl;
  const state = new URL(url).searchParams.get("state") ?? "";
  const foreign = await redirect(`?state=${state}&code=attackers`, {}, "198.51.100.66");
  expect([foreign.status, foreign.headers.get("location")]).toEqual([307, "../auth/oauth2/failed"]);
  const subscribe = await fetch(`${stand.url}/api/realtime`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Forwarded-For": "198.51.100.66" },
    body: JSON.stringify({ clientId: state, subscriptions: ["articles"] }),
  });
  expect(subscribe.ok).toBe(false);
  await new Browser().follow(url, []);
  expect((await login).record["email"]).toBe("oa1@example.com");
});

test("OA11: nobody who has learnt the state changes what its stream waits for, not even at the same address", async () => {
  stand.sub = "oa11";
  const { login, authUrl } = startSdk();
  const url = await authUrl;
  const clientId = new URL(url).searchParams.get("state") ?? "";
  const thief = new PocketBase(stand.url);
  await thief.collection("members").authWithPassword("ben@example.com", PASSWORD);
  const subscribe = (subscriptions: readonly string[], headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${stand.url}/api/realtime`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...OUTSIDE, ...headers },
      body: JSON.stringify({ clientId, subscriptions }),
    });
  for (const answer of [
    await subscribe([]),
    await subscribe(["articles/*"]),
    await subscribe(["@oauth2"], { Authorization: thief.authStore.token }),
    await subscribe(["@oauth2", "articles/*"]),
  ])
    expect([answer.status, answer.headers.get("x-hapta-error")]).toEqual([403, "subscription_denied"]);
  await new Browser().follow(url, []);
  expect((await login).record["email"]).toBe("oa11@example.com");
});

test("OA1 holds with a PocketBase that does not compare addresses itself", async () => {
  await using old = await startStand({ version: "0.36" });
  old.sub = "oa1-old";
  const { login, authUrl } = startSdk(old.url);
  const url = await authUrl;
  const state = new URL(url).searchParams.get("state") ?? "";
  const foreign = await fetch(`${old.url}/api/oauth2-redirect?state=${state}&code=attackers`, {
    redirect: "manual",
    headers: { "X-Forwarded-For": "198.51.100.66" },
  });
  expect(foreign.headers.get("location")).toBe("../auth/oauth2/failed");
  // PocketBase takes a posted answer in any of these forms.
  const form = new FormData();
  form.set("@jsonPayload", JSON.stringify({ state, code: "attackers" }));
  const posted: [string | undefined, string | FormData][] = [
    ["application/json", JSON.stringify({ state, code: "attackers" })],
    ["application/json", JSON.stringify({ STATE: state, code: "attackers" })],
    ["application/x-www-form-urlencoded", new URLSearchParams({ state, code: "attackers" }).toString()],
    [undefined, form],
  ];
  for (const [type, body] of posted) {
    const answer = await fetch(`${old.url}/api/oauth2-redirect`, {
      method: "POST",
      redirect: "manual",
      headers: {
        "X-Forwarded-For": "198.51.100.66",
        ...(type === undefined ? {} : { "Content-Type": type }),
      },
      body,
    });
    expect([type, answer.headers.get("location")]).toEqual([type, "../auth/oauth2/failed"]);
  }
  await new Browser().follow(url, []);
  expect((await login).record["email"]).toBe("oa1-old@example.com");
});

test("OA2: a state counts once", async () => {
  stand.sub = "oa2";
  const { login, authUrl } = startSdk();
  const url = await authUrl;
  const browser = new Browser();
  await browser.follow(url, []);
  await login;
  const state = new URL(url).searchParams.get("state") ?? "";
  const again = await redirect(`?state=${state}&code=again`);
  expect(again.headers.get("location")).toBe("../auth/oauth2/failed");
});

test("two logins at once end each at its own", async () => {
  const flows = ["tab-one", "tab-two"].map((sub) => ({ sub, flow: startSdk() }));
  const urls = await Promise.all(flows.map(({ flow }) => flow.authUrl));
  for (const [index, { sub }] of flows.entries()) {
    stand.sub = sub;
    await new Browser().follow(urls[index] ?? "", []);
  }
  const emails = await Promise.all(flows.map(async ({ flow }) => (await flow.login).record["email"]));
  expect(emails).toEqual(["tab-one@example.com", "tab-two@example.com"]);
});

test("OA14: an answer that is posted (Apple) leads on with 303, so that it is not posted again", async () => {
  const posted = await redirect("", { method: "POST", body: new URLSearchParams({ state: "x", code: "y" }) });
  expect([posted.status, posted.headers.get("location"), posted.headers.get("referrer-policy")]).toEqual([
    303,
    "../auth/oauth2/failed",
    "no-referrer",
  ]);
});

test("OA18: what comes in the URL is not shown and becomes no header", async () => {
  for (const query of [
    "?error=<script>alert(1)</script>",
    "?state=x&code=%0d%0aSet-Cookie:%20a=b",
    "?state=%3Cb%3E",
  ]) {
    const answer = await redirect(query.replace(/[<>]/g, (sign) => encodeURIComponent(sign)));
    expect([answer.status, answer.headers.get("location"), answer.headers.get("set-cookie")]).toEqual([
      307,
      "../auth/oauth2/failed",
      null,
    ]);
  }
  const page = await fetch(`${stand.url}/auth/oauth2/failed?error=%3Cscript%3E`);
  expect(await page.text()).not.toContain("<script>");
});
