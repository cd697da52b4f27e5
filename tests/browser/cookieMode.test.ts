// Cookie sessions in a real browser: the example page lives on one, its script holds nothing of worth, and pages of other
// origins and sites cannot act with it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { serveExample } from "../../examples/cookie-mode/serve.ts";
import { ADA, call, jsonOf, type Pair, payloadOf, startPair, verify } from "../sessions/support.ts";
import { CHROMIUM, launchChromium } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";

const STEP_MS = 30_000;
const DIARIES = "/api/collections/diaries/records";

/** A web site without any content of its own. */
const serveBlank = () =>
  Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      new Response("<!doctype html><title>evil</title>", { headers: { "Content-Type": "text/html" } }),
  });

if (!CHROMIUM) process.stderr.write("The cookie tests are skipped: Chromium is not installed.\n");

describe.skipIf(!CHROMIUM)("cookie sessions in Chromium", () => {
  let browser: Browser;
  let pair: Pair;
  let app: Bun.Server<undefined>;
  let evil: Bun.Server<undefined>;
  let origin: string;
  beforeAll(async () => {
    pair = await startPair({ config: { Security: { Cookies: { isEnabled: true } } } });
    app = serveExample(pair.url, 0);
    evil = serveBlank();
    origin = `http://127.0.0.1:${app.port}`;
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await app?.stop(true);
    await evil?.stop(true);
    await pair?.[Symbol.asyncDispose]();
  }, 120_000);

  const cookieOf = async (context: BrowserContext): Promise<string | undefined> =>
    (await context.cookies(origin)).find(({ name }) => name === "hapta_session")?.value;
  const who = async (page: Page, text: RegExp): Promise<void> => {
    await eventually(async () => text.test((await page.locator("#who").textContent()) ?? ""), STEP_MS);
  };

  /** A browser in which Ada has signed in on the example page. */
  const signIn = async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(STEP_MS);
    await page.goto(`${origin}/?users=members`);
    await page.locator("#email").fill(ADA.email);
    await page.locator("#password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await who(page, /^(?!nobody)/);
    const token = (await cookieOf(context)) ?? expect.unreachable();
    return { context, page, token };
  };

  const entries = async (token: string): Promise<number> => {
    const headers = [["Cookie", `hapta_session=${token}`]] as const;
    return Number(jsonOf(await call(pair.url, { path: DIARIES, headers }))["totalItems"]);
  };

  test("a page signs in, lists, writes, refreshes and signs out; its script never sees a usable token", async () => {
    const { context, page, token } = await signIn();
    expect(await page.locator("#devices").textContent()).toContain("Headless Chrome");
    const held: unknown = await page.evaluate("document.cookie + JSON.stringify(localStorage)");
    const inert = (await page.locator("#held").textContent()) ?? "";
    expect(held).toContain(inert);
    for (const part of [token, String(payloadOf(token)["sid"]), String(payloadOf(token)["jti"])])
      expect(held).not.toContain(part);
    expect([await verify(pair.url, inert), await verify(pair.url, token)]).toEqual([401, 200]);

    await page.locator("#name").fill("Ada of the cookies");
    await page.getByRole("button", { name: "Save" }).click();
    await who(page, /^Ada of the cookies$/);
    await page.getByRole("button", { name: "Refresh" }).click();
    await eventually(async () => (await cookieOf(context)) !== token, STEP_MS);
    await page.reload();
    await who(page, /^Ada of the cookies$/);

    const last = (await cookieOf(context)) ?? "";
    await page.getByRole("button", { name: "Sign out" }).click();
    await who(page, /^nobody$/);
    expect([await cookieOf(context), await verify(pair.url, last)]).toEqual([undefined, 401]);
    expect(await page.locator("#problem").textContent()).toBe("");
    await context.close();
  }, 60_000);

  test.each([
    // Another port is another origin of the same site: the browser sends the cookie, and Hapta refuses.
    ["the same site", "127.0.0.1", [403, 403]],
    // Of another site: the browser keeps the cookie, and nobody is signed in.
    ["another site", "localhost", [400, 401]],
  ] as const)(
    "a page of another origin of %s can neither write, nor sign out, nor read",
    async (_, host, statuses) => {
      const { context, token } = await signIn();
      const before = await entries(token);
      const page = await context.newPage();
      const seen: number[] = [];
      page.on("response", (response) => {
        if (response.url().startsWith(origin)) seen.push(response.status());
      });
      await page.goto(`http://${host}:${evil.port}/`);
      const read = await page.evaluate(
        async ({ target, owner, diaries }) => {
          const form = new URLSearchParams({ owner, entry: "forged" });
          const options = { method: "POST", mode: "no-cors", credentials: "include" } as const;
          await fetch(target + diaries, { ...options, body: form });
          await fetch(`${target}/auth/logout`, options);
          return await fetch(target + diaries, { credentials: "include" })
            .then((response) => response.text())
            .catch((error: unknown) => `blocked: ${error}`);
        },
        { target: origin, owner: IDS.ada, diaries: DIARIES },
      );
      expect(read).toStartWith("blocked: TypeError");
      await eventually(() => seen.length >= 2, STEP_MS);
      expect(seen.slice(0, 2)).toEqual([...statuses]);
      expect([await entries(token), await verify(pair.url, token)]).toEqual([before, 200]);
      await context.close();
    },
    60_000,
  );
});
