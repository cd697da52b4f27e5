// Logging in a device from a phone (RFC 8628): events and polling, what the page says and asks for, races, guesses,
// forged forms; and linking a provider through a browser.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser as Chromium } from "playwright-core";
import { tokensIn } from "../sessions/recordingProxy.ts";
import { ADA, call, jsonOf, login, logout, ROOT, verdictOf, verify } from "../sessions/support.ts";
import { CHROMIUM, launchChromium } from "../support/browser.ts";
import { eventually, within } from "../support/eventually.ts";
import type { WireResponse } from "../support/wireReader.ts";
import {
  APP_PAGE,
  Browser,
  oidcOptions,
  START_MS,
  type Stand,
  startStand,
  TEST_MS,
  type Visit,
} from "./support.ts";

setDefaultTimeout(TEST_MS);

let stand: Stand;
beforeAll(async () => {
  stand = await startStand({
    config: { OAuth2: { DeviceLogin: true, RedirectURLs: [APP_PAGE] } },
    providers: [oidcOptions("oidc2", "http://127.0.0.1:9")],
  });
}, START_MS);
afterAll(async () => {
  await stand?.[Symbol.asyncDispose]();
});

interface Codes {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

const askIn = async (json: Record<string, string> = {}, url = stand.url): Promise<Codes> => {
  const answer = await call(url, {
    path: "/auth/oauth2/device",
    json: { collection: "members", provider: "oidc", ...json },
  });
  expect(`${answer.status} ${answer.text.slice(0, 200)}`).toStartWith("200 ");
  return jsonOf(answer) as unknown as Codes;
};

const poll = (device_code: string): Promise<WireResponse> =>
  call(stand.url, { path: "/auth/oauth2/token", json: { device_code } });

/** The events a device hears, up to the last. */
const listen = async (deviceCode: string): Promise<{ event: string; data: Record<string, unknown> }[]> => {
  const answer = await fetch(`${stand.url}/auth/oauth2/events`, {
    headers: { Authorization: `Bearer ${deviceCode}` },
  });
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  return (await answer.text())
    .split("\n\n")
    .filter((frame) => frame.startsWith("event: "))
    .map((frame) => {
      const [event = "", data = "{}"] = frame.split("\n").map((line) => line.slice(line.indexOf(": ") + 2));
      return { event, data: JSON.parse(data) as Record<string, unknown> };
    });
};

/** The e-mail address of the record in an event. */
const emailIn = (event: { data: Record<string, unknown> } | undefined): unknown => {
  const record = event?.data["record"];
  return typeof record === "object" && record !== null ? Reflect.get(record, "email") : undefined;
};

/** The hidden fields of a page's form. */
const fieldsOf = ({ text }: Visit): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(([, name, value]) => [
      name,
      value,
    ]),
  );

/** Approves on a phone and signs in there; returns the last page. */
const approve = async (codes: Codes, browser = new Browser()): Promise<Visit> => {
  const page = await browser.visit(codes.verification_uri_complete);
  const form = { ...fieldsOf(page), provider: "oidc" };
  const leaving = await browser.visit(`${stand.url}/auth/oauth2/approve`, { form });
  const next = /<a class="button" href="([^"]+)"/.exec(leaving.text)?.[1]?.replaceAll("&#38;", "&");
  if (next === undefined) return leaving;
  await browser.follow(next, []);
  return browser.visits.at(-1) ?? leaving;
};

test("a device hears how far it is, and gets its session when somebody let it in", async () => {
  stand.sub = "tv";
  const codes = await askIn({ label: "Living room" });
  expect(codes.user_code).toMatch(/^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/);
  expect([codes.expires_in, codes.interval]).toEqual([600, 5]);
  expect(codes.verification_uri_complete).toBe(
    `${stand.url}/auth/oauth2/device?user_code=${codes.user_code}`,
  );
  const heard = listen(codes.device_code);
  const browser = new Browser();
  const page = await browser.visit(codes.verification_uri_complete);
  for (const text of [codes.user_code, "Living room", "The oidc"]) expect(page.text).toContain(text);
  expect(page.text).not.toContain(codes.device_code);
  const end = await approve(codes, browser);
  expect(end.text).toContain("Device logged in");
  const events = await within(heard, 8_000, "the login");
  const last = events.at(-1);
  expect(last?.event).toBe("login");
  expect(emailIn(last)).toBe("tv@example.com");
  expect(await verify(stand.url, String(last?.data["token"]))).toBe(200);
  expect(events.map(({ data }) => data["status"])).toContain("pending");
  // The phone saw nothing that is worth anything.
  const issued = stand.relay.issued();
  for (const { text, headers } of browser.visits)
    expect(tokensIn(text + JSON.stringify([...headers]))).toEqual([]);
  for (const found of tokensIn(JSON.stringify(events))) expect(issued.has(found)).toBe(false);
  expect(verdictOf(await poll(codes.device_code))).toBe("400 expired_token");
});

test("a device that asks again and again gets RFC 8628's answers, and its session once", async () => {
  stand.sub = "poller";
  const codes = await askIn();
  expect(verdictOf(await poll(codes.device_code))).toBe("400 authorization_pending");
  await approve(codes);
  const answers = await Promise.all(Array.from({ length: 5 }, () => poll(codes.device_code)));
  expect(answers.map(verdictOf).sort()).toEqual([
    "200 -",
    ...Array.from({ length: 4 }, () => "400 expired_token"),
  ]);
  expect(verdictOf(await poll("x".repeat(43)))).toBe("400 expired_token");
});

test("two devices race: the one that was approved gets the login, the other one waits", async () => {
  stand.sub = "race";
  const [one, two] = [await askIn(), await askIn()];
  await approve(two);
  expect(verdictOf(await poll(one.device_code))).toBe("400 authorization_pending");
  expect((await poll(two.device_code)).status).toBe(200);
});

test("two phones race for one device: one goes on", async () => {
  const codes = await askIn();
  const phones = [new Browser("203.0.113.31"), new Browser("203.0.113.32")];
  const forms = await Promise.all(
    phones.map(async (phone) => fieldsOf(await phone.visit(codes.verification_uri_complete))),
  );
  const pages = await Promise.all(
    phones.map((phone, index) =>
      phone.visit(`${stand.url}/auth/oauth2/approve`, { form: { ...forms[index], provider: "oidc" } }),
    ),
  );
  expect(pages.map(({ status }) => status).sort()).toEqual([200, 400]);
  const third = await new Browser("203.0.113.33").visit(codes.verification_uri_complete);
  expect(third.text).toContain("was used already");
});

test("no is told to the device, whether it is said to Hapta or to the provider", async () => {
  const codes = await askIn();
  const heard = listen(codes.device_code);
  const browser = new Browser();
  const page = await browser.visit(codes.verification_uri_complete);
  await browser.visit(`${stand.url}/auth/oauth2/approve`, { form: { ...fieldsOf(page), deny: "1" } });
  const last = (await within(heard, 8_000, "the no")).at(-1);
  expect([last?.event, last?.data["error"]]).toEqual(["failed", "access_denied"]);
  const other = await askIn();
  stand.denies = true;
  const end = await approve(other).finally(() => {
    stand.denies = false;
  });
  expect(end.text).toContain("Device not logged in");
  expect(verdictOf(await poll(other.device_code))).toBe("400 access_denied");
});

test("a form that was not filled in on the page, in this browser, approves nothing", async () => {
  const codes = await askIn();
  const [victim, attacker] = [new Browser("203.0.113.41"), new Browser("203.0.113.42")];
  const stolen = fieldsOf(await attacker.visit(codes.verification_uri_complete));
  await victim.visit((await askIn()).verification_uri_complete);
  const target = `${stand.url}/auth/oauth2/approve`;
  const forms: readonly Record<string, string>[] = [
    { ...stolen, provider: "oidc" },
    { user_code: codes.user_code, provider: "oidc" },
    { user_code: codes.user_code, csrf: "x", provider: "oidc" },
  ];
  for (const form of forms) {
    const { status, headers } = await victim.visit(target, { form });
    expect([status, headers.get("x-hapta-error")]).toEqual([400, "oauth_state_invalid"]);
  }
  const foreign = await attacker.visit(target, {
    form: { ...stolen, provider: "oidc" },
    headers: { Origin: "https://evil.example" },
  });
  expect(foreign.headers.get("x-hapta-error")).toBe("oauth_state_invalid");
  expect(verdictOf(await poll(codes.device_code))).toBe("400 authorization_pending");
});

test("what a device calls itself is shown as text", async () => {
  const codes = await askIn({ label: `<img src=x onerror=alert(1)>\u202e"'\n${"x".repeat(200)}` });
  const { text, headers } = await new Browser().visit(codes.verification_uri_complete);
  expect(text).not.toContain("<img");
  expect(text).not.toContain("\u202e");
  expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
});

test("guessing codes ends soon, for the one who guesses", async () => {
  await using capped = await startStand({
    config: { ratelimit: { isEnabled: true, Max: 100_000 }, OAuth2: { DeviceLogin: true } },
  });
  const { verification_uri_complete, device_code } = await askIn({}, capped.url);
  const guesser = new Browser("198.51.100.7");
  const statuses: number[] = [];
  for (let i = 0; i < 12; i++)
    statuses.push(
      (await guesser.visit(`${capped.url}/auth/oauth2/device?user_code=BBBB-BBB${"BCDFGHJKLMNP"[i]}`)).status,
    );
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 400), 503, 503]);
  expect((await guesser.visit(verification_uri_complete)).status).toBe(503);
  expect((await new Browser("198.51.100.8").visit(verification_uri_complete)).status).toBe(200);
  const ask = () => call(capped.url, { path: "/auth/oauth2/token", json: { device_code } });
  expect(verdictOf(await ask())).toBe("400 authorization_pending");
  expect(verdictOf(await ask())).toBe("400 slow_down");
  // As many devices of one address as a shop has, not more.
  const many = Array.from({ length: 25 }, () =>
    call(capped.url, { path: "/auth/oauth2/device", json: { collection: "members" } }),
  );
  const verdicts = (await Promise.all(many)).map(verdictOf);
  expect(verdicts.filter((verdict) => verdict === "503 oauth_busy").length).toBe(6);
});

test("a device code is no session, and two streams of one device are enough", async () => {
  const codes = await askIn();
  expect(await verify(stand.url, codes.device_code)).toBe(401);
  const abort = new AbortController();
  const open = () =>
    fetch(`${stand.url}/auth/oauth2/events`, {
      headers: { Authorization: codes.device_code },
      signal: abort.signal,
    });
  const statuses = [(await open()).status, (await open()).status, (await open()).status];
  expect(statuses).toEqual([200, 200, 503]);
  abort.abort();
  // Streams that were left make room.
  const room = async (): Promise<boolean> => {
    const again = new AbortController();
    const { status } = await fetch(`${stand.url}/auth/oauth2/events`, {
      headers: { Authorization: codes.device_code },
      signal: again.signal,
    });
    again.abort();
    return status === 200;
  };
  await eventually(room, 5_000);
  const unknown = await fetch(`${stand.url}/auth/oauth2/events`, {
    headers: { Authorization: "Bearer nobody" },
  });
  expect([unknown.status, unknown.headers.get("x-hapta-error")]).toEqual([400, "expired_token"]);
});

test("device logins do not exist where they are switched off", async () => {
  await using off = await startStand();
  expect((await call(off.url, { path: "/auth/oauth2/device", json: { collection: "members" } })).status).toBe(
    404,
  );
  expect((await call(off.url, { path: "/auth/oauth2/device" })).status).toBe(404);
  expect((await call(off.url, { path: "/auth/oauth2/members/oidc" })).status).toBe(400);
});

/** Asks for a link as the holder of a session, and opens its page. */
const startLink = async (
  token: string,
  browser: Browser,
): Promise<{ page: Visit; form: Record<string, string> }> => {
  const answer = await call(stand.url, {
    path: "/auth/oauth2/link",
    json: { provider: "oidc", redirect: APP_PAGE },
    token,
  });
  expect(`${answer.status} ${answer.text.slice(0, 200)}`).toStartWith("200 ");
  const page = await browser.visit(String(jsonOf(answer)["url"]));
  return { page, form: fieldsOf(page) };
};

const confirmLink = async (browser: Browser, form: Record<string, string>): Promise<URL> => {
  const leaving = await browser.visit(`${stand.url}/auth/oauth2/confirm`, { form });
  const next = /<a class="button" href="([^"]+)"/.exec(leaving.text)?.[1]?.replaceAll("&#38;", "&") ?? "";
  return new URL(await browser.follow(next, [APP_PAGE]));
};

test("linking through a browser: the page says whose account it is, and the provider logs in there from then on", async () => {
  stand.sub = "ben-at-oidc";
  const ada = await login(stand.url, ADA);
  const browser = new Browser();
  const { page, form } = await startLink(ada, browser);
  expect(page.text).toContain("ada@example.com");
  const back = await confirmLink(browser, form);
  const answer = await call(stand.url, {
    path: "/auth/oauth2/token",
    json: { code: back.searchParams.get("code") },
  });
  expect((jsonOf(answer)["record"] as { email: string }).email).toBe("ada@example.com");
  // A ticket is good for one yes.
  const again = await browser.visit(`${stand.url}/auth/oauth2/confirm`, { form });
  expect(again.headers.get("x-hapta-error")).toBe("oauth_state_invalid");
});

const ENDINGS = {
  "a logout": (token: string) => logout(stand.url, token),
  "all of the collection's being ended by an operator": async () => {
    const path = "/hapta/sessions?collection=members";
    const answer = await call(stand.url, { method: "DELETE", path, token: await login(stand.url, ROOT) });
    expect(jsonOf(answer)).toEqual({ ended: null });
  },
} as const;

test.each(Object.entries(ENDINGS))(
  "OA12: a link whose session ended before the provider answered, by %s, links nothing and logs nobody in",
  async (_, end) => {
    stand.sub = "too-late";
    const ada = await login(stand.url, ADA);
    const browser = new Browser();
    const { form } = await startLink(ada, browser);
    await end(ada);
    const back = await confirmLink(browser, form);
    expect([back.searchParams.get("error"), back.searchParams.has("code")]).toEqual(["access_denied", false]);
  },
);

test("linking needs a session, and a yes in the browser that saw the page", async () => {
  const bare = await call(stand.url, {
    path: "/auth/oauth2/link",
    json: { provider: "oidc", redirect: APP_PAGE },
  });
  expect(verdictOf(bare)).toBe("401 session_required");
  const { form } = await startLink(await login(stand.url, ADA), new Browser());
  const foreign = await new Browser().visit(`${stand.url}/auth/oauth2/confirm`, { form });
  expect(foreign.headers.get("x-hapta-error")).toBe("oauth_state_invalid");
});

describe.skipIf(!CHROMIUM)("on a phone", () => {
  let chrome: Chromium;
  beforeAll(async () => {
    chrome = await launchChromium();
  }, 120_000);
  afterAll(async () => {
    await chrome?.close();
  });

  test.each(["light", "dark"] as const)(
    "the code is typed, the device approved and logged in (%s)",
    async (colorScheme) => {
      stand.sub = `phone-${colorScheme}`;
      await using context = await chrome.newContext({ viewport: { width: 360, height: 740 }, colorScheme });
      const page = await context.newPage();
      page.setDefaultTimeout(8_000);
      const faults: string[] = [];
      page.on("console", (message) => faults.push(message.text()));
      const pictures = process.env["HAPTA_TEST_PICTURES"];
      const picture = async (name: string): Promise<void> => {
        if (pictures !== undefined) await page.screenshot({ path: `${pictures}/${name}-${colorScheme}.png` });
      };
      const codes = await askIn({ provider: "", label: "Kitchen display" });
      const heard = listen(codes.device_code);
      await page.goto(codes.verification_uri);
      await picture("type");
      await page.getByLabel("Code").fill(codes.user_code.toLowerCase().replace("-", " "));
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByText("Kitchen display").waitFor();
      await picture("approve");
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
      await page.getByRole("button", { name: "log in with The oidc", exact: false }).first().click();
      await page.getByRole("heading", { name: "Device logged in" }).waitFor();
      await picture("done");
      const last = (await within(heard, 8_000, "the login")).at(-1);
      expect(emailIn(last)).toBe(`phone-${colorScheme}@example.com`);
      await page.goto(`${stand.url}/auth/oauth2/device?user_code=BCDF-GHJK`);
      await picture("unknown");
      await page.goto(`${stand.url}/auth/oauth2/callback?state=x`);
      await picture("refused");
      await page.goto(`${stand.url}/auth/oauth2/failed`);
      await picture("failed");
      expect(faults.filter((text) => !text.includes("400 (Bad Request)"))).toEqual([]);
    },
  );
});
