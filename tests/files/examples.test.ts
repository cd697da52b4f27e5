// The examples in examples/files do what their page says: the form and the pieces in a real browser, the program that is
// stopped and goes on, and ranges with curl.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { serveExample } from "../../examples/files/serve.ts";
import { CHROMIUM, launchChromium } from "../support/browser.ts";
import { startChild } from "../support/childProcess.ts";
import { eventually } from "../support/eventually.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createScratch, PROJECT_DIR, type Scratch } from "../support/scratch.ts";
import { bytesOf } from "./tusKit.ts";

setDefaultTimeout(120_000);
const STEP_MS = 30_000;
const RECORD = "notice000000004";

let pocketbase: PocketBase;
let hapta: Hapta;
let scratch: Scratch;
beforeAll(async () => {
  pocketbase = await startPocketBase();
  hapta = await startHapta(pocketbase);
  scratch = createScratch("examples");
}, 60_000);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await pocketbase[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

/** Writes a file of so many bytes. */
const fileOf = (name: string, length: number): string => {
  const path = join(scratch.path, name);
  writeFileSync(path, bytesOf(length));
  return path;
};

/** The last file of the record, as PocketBase has it. */
const stored = async (): Promise<{ readonly name: string; readonly bytes: Buffer }> => {
  const path = `${pocketbase.url}/api/collections/notices/records/${RECORD}`;
  const saved: unknown = await (await fetch(path)).json();
  const name = String([Reflect.get(Object(saved), "blob")].flat().at(-1));
  const answer = await fetch(`${pocketbase.url}/api/files/notices/${RECORD}/${name}`);
  return { name, bytes: Buffer.from(await answer.arrayBuffer()) };
};

test("resume.mjs goes on where it was stopped", async () => {
  const path = fileOf("film.bin", 3_000_000);
  const start = () =>
    startChild({
      command: ["node", join(PROJECT_DIR, "examples", "files", "resume.mjs"), path],
      cwd: scratch.path,
      env: {
        HAPTA_URL: hapta.url,
        EMAIL: "ada@example.com",
        PASSWORD,
        USERS: "members",
        COLLECTION: "notices",
        RECORD,
        FIELD: "blob",
        CHUNK_BYTES: "50000",
      },
    });
  {
    const first = start();
    await eventually(() => first.output().includes("200000 of 3000000"), STEP_MS);
    process.kill(first.pid, "SIGKILL");
    await first.exited;
    expect(first.output()).not.toContain("uploaded");
  }
  const second = start();
  expect(await second.exited).toBe(0);
  const offset = Number(/^(\d+) of/.exec(second.output())?.[1]);
  expect(offset).toBeGreaterThanOrEqual(250_000);
  const { name, bytes } = await stored();
  expect([name.slice(0, 5), Buffer.compare(bytes, bytesOf(3_000_000))]).toEqual(["film_", 0]);
});

test("range.sh puts a file together from parts", async () => {
  const url = `${hapta.url}/api/files/articles/${IDS.news}/${pocketbase.world.files.cover}`;
  const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
  const output = join(scratch.path, "cover.png");
  const script = join(PROJECT_DIR, "examples", "files", "range.sh");
  const child = startChild({ command: ["sh", script, url, output], cwd: scratch.path });
  expect([await child.exited, child.output()]).toEqual([0, expect.stringContaining("unchanged: 304")]);
  expect(Buffer.compare(readFileSync(output), whole)).toBe(0);
});

if (!CHROMIUM) process.stderr.write("The example page is not tested: Chromium is not installed.\n");

describe.skipIf(!CHROMIUM)("the example page in Chromium", () => {
  let browser: Browser;
  let pages: Bun.Server<undefined>;
  beforeAll(async () => {
    pages = serveExample(0);
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await pages?.stop(true);
  }, 120_000);

  const says = (page: Page, text: RegExp): Promise<unknown> =>
    eventually(async () => text.test((await page.locator("#state").textContent()) ?? ""), STEP_MS);

  const signedIn = async (page: Page): Promise<void> => {
    const query = new URLSearchParams({
      ...{ hapta: hapta.url, users: "members", collection: "notices", record: RECORD, field: "blob" },
      chunk: "50000",
    });
    await page.goto(`http://127.0.0.1:${pages.port}/?${query}`);
    await page.locator("#email").fill("ada@example.com");
    await page.locator("#password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await says(page, /^signed in$/);
  };

  test("uploads a form, and says in PocketBase's words why not", async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(STEP_MS);
    await signedIn(page);
    await page.locator("#file").setInputFiles(fileOf("note.bin", 1_000));
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await says(page, /^uploaded$/);
    expect((await stored()).name).toStartWith("note_");
    expect(await page.locator("#link").textContent()).toStartWith("note_");
    await page.locator("#file").setInputFiles(fileOf("huge.bin", 9_000_000));
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await says(page, /the maximum allowed file size is 8000000 bytes/);
  });

  test("pauses an upload in pieces, and goes on in a page that was loaded anew", async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(STEP_MS);
    const path = fileOf("long.bin", 2_000_000);
    await signedIn(page);
    await page.locator("#file").setInputFiles(path);
    await page.getByRole("button", { name: "Upload in pieces" }).click();
    await says(page, /of 2000000 bytes/);
    await page.getByRole("button", { name: "Pause" }).click();
    await says(page, /^paused$/);
    const offsets: number[] = [];
    page.on("request", (request) => {
      if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
    });
    await signedIn(page);
    await page.locator("#file").setInputFiles(path);
    await page.getByRole("button", { name: "Resume" }).click();
    await says(page, /^uploaded$/);
    expect(offsets[0]).toBeGreaterThan(0);
    const { name, bytes } = await stored();
    expect([name.slice(0, 5), Buffer.compare(bytes, bytesOf(2_000_000))]).toEqual(["long_", 0]);
  });
});
