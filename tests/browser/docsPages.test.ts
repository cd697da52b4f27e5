// The docs pages in a real browser: they show the API, log in, try a call, and ask nobody but Hapta.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { type App, startApp } from "../openapi/support.ts";
import { CHROMIUM, launchChromium, watchFaults } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { PASSWORD } from "../support/fixture/records.ts";

const STEP_MS = 15_000;

if (!CHROMIUM) process.stderr.write("The docs pages are not tested: Chromium is not installed.\n");

describe.skipIf(!CHROMIUM)("docs pages", () => {
  let browser: Browser;
  let app: App;
  beforeAll(async () => {
    app = await startApp();
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await app[Symbol.asyncDispose]();
  });

  const open = async (path: string): Promise<{ page: Page; faults: string[] }> => {
    const page = await browser.newPage();
    page.setDefaultTimeout(STEP_MS);
    const faults = watchFaults(page, app.hapta.url);
    await page.goto(`${app.hapta.url}${path}`);
    await page.waitForSelector("html[data-ready]");
    return { page, faults };
  };

  const logIn = async (page: Page): Promise<void> => {
    await page.selectOption("select[name=collection]", "members");
    await page.fill("input[name=identity]", "ada@example.com");
    await page.fill("input[name=password]", PASSWORD);
    await page.click("#account button");
    await page.waitForSelector("text=ada@example.com");
  };

  test("the explorer tries a call as a guest, and as a member after logging in", async () => {
    const { page, faults } = await open("/");
    const create = page.locator("#operations-articles-articles_create");
    await page.waitForSelector("#operations-articles-articles_list");
    expect(await create.count()).toBe(0);
    await logIn(page);
    await create.waitFor();
    await page.click("#operations-diaries-diaries_list .opblock-summary-control");
    await page.click("#operations-diaries-diaries_list .execute");
    const answer = page.locator("#operations-diaries-diaries_list .live-responses-table tr.response");
    await answer.first().waitFor();
    expect(await answer.first().textContent()).toContain("diaryada0000001");
    await page.click("#account button");
    await page.waitForSelector("input[name=password]");
    expect(await create.count()).toBe(0);
    expect(faults).toEqual([]);
    await page.close();
  }, 60_000);

  test("the explorer is dark for whoever likes it dark, and at once when that changes", async () => {
    const { page, faults } = await open("/");
    for (const scheme of ["dark", "light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      const colors = "getComputedStyle(document.documentElement).colorScheme";
      await eventually(
        async () => ((await page.evaluate(colors)) === "dark") === (scheme === "dark"),
        STEP_MS,
      );
    }
    expect(faults).toEqual([]);
    await page.close();
  }, 60_000);

  test("the reference shows every collection, and more to members", async () => {
    const { page, faults } = await open("/api-reference");
    await page.waitForSelector("text=articleStats");
    expect(await page.locator("text=diaries").count()).toBe(0);
    await logIn(page);
    await page.locator("text=diaries").first().waitFor();
    expect(await page.locator("text=Ask AI").count()).toBe(0);
    expect(faults).toEqual([]);
    await page.close();
  }, 60_000);

  test("a wrong password says so and leaves the page as it was", async () => {
    const { page } = await open("/");
    await page.fill("input[name=identity]", "ada@example.com");
    await page.fill("input[name=password]", "wrong password");
    await page.click("#account button");
    await page.waitForSelector(".account-problem:not(:empty)");
    expect(await page.locator(".account-problem").textContent()).toBe("Failed to authenticate.");
    await page.close();
  }, 60_000);
});
