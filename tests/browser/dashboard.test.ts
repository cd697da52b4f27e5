// PocketBase's own dashboard in a real browser, through every target: sign in, open a collection, edit, save.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { CHROMIUM, launchChromium, watchFaults } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { sendForJson } from "../support/scenario.ts";
import { createScratch, type Scratch } from "../support/scratch.ts";
import { describeTargets } from "../support/targets.ts";

const STEP_MS = 30_000;

if (!CHROMIUM) process.stderr.write("The dashboard tests are skipped: Chromium is not installed.\n");

describe.skipIf(!CHROMIUM)("dashboard", () => {
  let browser: Browser;
  let pictures: Scratch;
  beforeAll(async () => {
    browser = await launchChromium();
    pictures = createScratch("dashboard");
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    pictures?.[Symbol.dispose]();
  });

  describeTargets("in Chromium", (target) => {
    test("SU6: signs in, opens a collection, edits and saves a record without a fault", async () => {
      await using page = await browser.newPage();
      page.setDefaultTimeout(STEP_MS);
      const faults = watchFaults(page, target.url);
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
