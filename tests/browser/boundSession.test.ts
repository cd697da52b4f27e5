// DPoP in a real browser: the example's key is made there, stays over reloads, cannot be exported, and a token without it
// is worth nothing. The page is of another origin than Hapta, so every challenge has to pass CORS.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { ADA, type Pair, payloadOf, startPair } from "../sessions/support.ts";
import { CHROMIUM, launchChromium } from "../support/browser.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { serveScript } from "./serveScript.ts";

const STEP_MS = 30_000;

if (CHROMIUM === undefined) process.stderr.write("The DPoP page is not tested: Chromium is not installed.\n");

describe.skipIf(CHROMIUM === undefined)("a session bound to a key in Chromium", () => {
  let browser: Browser;
  let pair: Pair;
  let site: Bun.Server<undefined>;
  beforeAll(async () => {
    pair = await startPair({ config: { Security: { DPoP: "optional" } } });
    site = await serveScript(join(import.meta.dir, "fixtures", "boundApp.ts"));
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await site?.stop(true);
    await pair?.[Symbol.asyncDispose]();
  }, 120_000);

  const open = async (page: Page): Promise<void> => {
    page.setDefaultTimeout(STEP_MS);
    await page.goto(`http://127.0.0.1:${site.port}/?hapta=${encodeURIComponent(pair.url)}`);
    await page.waitForFunction("globalThis.app !== undefined");
  };

  test("signs in, reads, reloads, refreshes; the token alone, and another browser, get nothing", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await open(page);
    await page.evaluate(`app.signIn(${JSON.stringify(ADA.email)}, ${JSON.stringify(PASSWORD)})`);
    expect(await page.evaluate("app.diaries()")).toBe(1);
    const token = String(await page.evaluate("app.token()"));
    const { jkt } = payloadOf(token)["cnf"] as { jkt: string };
    expect(jkt).toHaveLength(43);
    expect(await page.evaluate("app.exported()")).toContain("InvalidAccessError");

    await page.reload();
    await page.waitForFunction("globalThis.app !== undefined");
    expect(await page.evaluate("app.diaries()")).toBe(1);
    await page.evaluate("app.refresh()");
    const next = String(await page.evaluate("app.token()"));
    expect(payloadOf(next)["cnf"]).toEqual({ jkt });
    expect(await page.evaluate(`app.withoutKey(${JSON.stringify(next)})`)).toBe(401);

    const other = await browser.newContext();
    const stolen = await other.newPage();
    await open(stolen);
    await stolen.evaluate(
      `localStorage.setItem("pocketbase_auth", ${JSON.stringify(JSON.stringify({ token: next }))})`,
    );
    await expect(stolen.evaluate("app.diaries()")).rejects.toThrow("ClientResponseError 401");
    expect(await page.evaluate("app.diaries()")).toBe(1);
    await other.close();
    await context.close();
  }, 60_000);
});
