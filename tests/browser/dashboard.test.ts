// PocketBase's own dashboard in a real browser, through every target: sign in, open a collection, edit, save.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { sendForJson } from "../support/scenario.ts";
import { createScratch, type Scratch } from "../support/scratch.ts";
import { describeTargets } from "../support/targets.ts";

const CHROMIUM = ["chromium", "chromium-browser", "google-chrome"]
  .map((name) => Bun.which(name))
  .find(Boolean);
const ARGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
const STEP_MS = 10_000;

/** Everything in a page that must not happen. */
const watch = (page: Page, origin: string): string[] => {
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      faults.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`page error: ${error.message}`));
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText ?? "";
    // The dashboard's SDK cancels its own superseded requests.
    if (reason !== "net::ERR_ABORTED") faults.push(`failed: ${request.url()} ${reason}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.status()}: ${response.url()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== origin)
      faults.push(`another origin: ${request.url()}`);
  });
  return faults;
};

if (!CHROMIUM) process.stderr.write("The dashboard tests are skipped: Chromium is not installed.\n");

describe.skipIf(!CHROMIUM)("dashboard", () => {
  let browser: Browser;
  let pictures: Scratch;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM ?? "", args: ARGS, timeout: 30_000 });
    pictures = createScratch("dashboard");
  }, 40_000);
  afterAll(async () => {
    await browser?.close();
    pictures?.[Symbol.dispose]();
  });

  describeTargets("in Chromium", (target) => {
    test("signs in, opens a collection, edits and saves a record without a fault", async () => {
      await using page = await browser.newPage();
      page.setDefaultTimeout(STEP_MS);
      const faults = watch(page, target.url);
      await page.goto(`${target.url}/_/`);
      await page.locator('input[type="email"]').fill(SUPERUSER.email);
      await page.locator('input[type="password"]').fill(SUPERUSER.password);
      await page.getByRole("button", { name: "Login" }).click();
      await page.getByText("ledgers", { exact: true }).first().click();
      await page.getByText("secret sum").first().click();
      const field = page.locator('[name="line"]');
      await field.fill("edited in the browser");
      await page.getByRole("button", { name: "Save changes" }).click();
      const saved = async (): Promise<boolean> => {
        const path = "/api/collections/ledgers/records/ledgerone000001";
        return (await sendForJson(target, { as: "superuser", path }))["line"] === "edited in the browser";
      };
      await eventually(saved, STEP_MS);
      await page.getByText("edited in the browser").first().waitFor();
      const picture = await page.screenshot({ path: join(pictures.path, `${target.name}.png`) });
      expect(picture.length).toBeGreaterThan(5_000);
      expect(faults).toEqual([]);
    }, 60_000);
  });
});
