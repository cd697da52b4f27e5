// The docs pages in a real browser: they show the API, log in, try a call, and ask nobody but Hapta.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { type App, startApp } from "../openapi/support.ts";
import { CHROMIUM, launchChromium, watchFaults } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { PASSWORD } from "../support/fixture/records.ts";

const STEP_MS = 30_000;

const HOSTILE = "<img src=x onerror=alert(1)> [c](javascript:alert(1)) <form action=https://evil.example>";
const HOSTILE_FIELDS = [
  { name: "word", type: "text", help: HOSTILE, pattern: "^[a-z_*]+_x_$" },
  {
    name: "choice",
    type: "select",
    maxSelect: 1,
    values: ["<img src=x onerror=alert(1)>", "</script>", "`"],
  },
];

if (!CHROMIUM) process.stderr.write("The docs pages are not tested: Chromium is not installed.\n");

describe.skipIf(!CHROMIUM)("docs pages", () => {
  let browser: Browser;
  let app: App;
  beforeAll(async () => {
    app = await startApp();
    browser = await launchChromium();
  }, 120_000);
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

  const ADA = { collection: "members", identity: "ada@example.com", password: PASSWORD };
  const ROOT = { collection: "_superusers", identity: SUPERUSER.email, password: SUPERUSER.password };
  const logIn = async (page: Page, { collection, identity, password } = ADA): Promise<void> => {
    await page.selectOption("select[name=collection]", collection);
    await page.fill("input[name=identity]", identity);
    await page.fill("input[name=password]", password);
    await page.click("#account button");
    await page.waitForSelector(`text=${identity}`);
  };

  /** Opens one operation of the explorer, once it shows nothing but its collection: what it draws anew can't be clicked. */
  const unfold = async (page: Page, collection: string, operation: string) => {
    await page.fill(".operation-filter-input", collection);
    await eventually(async () => (await page.locator(".opblock-tag").count()) === 1, STEP_MS);
    const shown = page.locator(`#operations-${collection}-${operation}`);
    await shown.locator(".opblock-summary-control").click();
    return shown;
  };

  test("the explorer tries a call as a guest, and as a member after logging in", async () => {
    const { page, faults } = await open("/");
    const create = page.locator("#operations-articles-articles_create");
    await page.waitForSelector("#operations-articles-articles_list");
    expect(await create.count()).toBe(0);
    await logIn(page);
    await create.waitFor();
    await unfold(page, "diaries", "diaries_list");
    await page.click("#operations-diaries-diaries_list .execute");
    const answer = page.locator("#operations-diaries-diaries_list .live-responses-table tr.response");
    await answer.first().waitFor();
    expect(await answer.first().textContent()).toContain("diaryada0000001");
    await page.click("#account button");
    await page.waitForSelector("input[name=password]");
    expect(await create.count()).toBe(0);
    expect(faults).toEqual([]);
    await page.close();
  }, 120_000);

  test("a superuser tries what only superusers may call", async () => {
    const { page, faults } = await open("/");
    await logIn(page, ROOT);
    await unfold(page, "ledgers", "ledgers_list");
    await page.click("#operations-ledgers-ledgers_list .execute");
    const answer = page.locator("#operations-ledgers-ledgers_list .live-responses-table tr.response");
    await answer.first().waitFor();
    expect(await answer.first().textContent()).toContain("secret sum");
    expect(faults).toEqual([]);
    await page.close();
  }, 120_000);

  test("what an app says of its fields is shown as it is, and never run", async () => {
    const made = await app.call("superuser", "/api/collections", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: "hostile", type: "base", createRule: "", fields: HOSTILE_FIELDS }),
    });
    expect(made.status).toBe(200);
    for (const path of ["/", "/api-reference#tag/hostile/POST/api/collections/hostile/records"]) {
      const { page, faults } = await open(path);
      page.on("dialog", (dialog) => {
        faults.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      if (path === "/") {
        const body = await unfold(page, "hostile", "hostile_create");
        await body.getByText("Schema", { exact: true }).first().click();
        await body.getByText("word", { exact: true }).first().click();
      }
      await page.getByText("^[a-z_*]+_x_$").first().waitFor();
      await page.getByText("<img src=x onerror=alert(1)> [c]").first().waitFor();
      expect(
        await page.locator("#docs").locator("img[src=x], form[action*=evil], a[href^=javascript]").count(),
      ).toBe(0);
      expect(faults).toEqual([]);
      await page.close();
    }
  }, 120_000);

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
  }, 120_000);

  test("the reference shows every collection, and more to members", async () => {
    const { page, faults } = await open("/api-reference");
    await page.waitForSelector("text=articleStats");
    expect(await page.locator("text=diaries").count()).toBe(0);
    await logIn(page);
    await page.locator("text=diaries").first().waitFor();
    expect(await page.locator("text=Ask AI").count()).toBe(0);
    expect(faults).toEqual([]);
    await page.close();
  }, 120_000);

  test("a wrong password says so and leaves the page as it was", async () => {
    const { page } = await open("/");
    await page.fill("input[name=identity]", "ada@example.com");
    await page.fill("input[name=password]", "wrong password");
    await page.click("#account button");
    await page.waitForSelector(".account-problem:not(:empty)");
    expect(await page.locator(".account-problem").textContent()).toBe("Failed to authenticate.");
    await page.close();
  }, 120_000);
});
