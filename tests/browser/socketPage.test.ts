// examples/realtime in a real browser: a page of a listed origin hears its user's events over WebSockets, in the SDK and
// without it; a page nobody listed gets no socket.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { asRoot, createCollections } from "../realtime/support.ts";
import { ADA, type Pair, startPair } from "../sessions/support.ts";
import { CHROMIUM, launchChromium } from "../support/browser.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { freePort } from "../support/scratch.ts";
import { serveScript } from "./serveScript.ts";

if (CHROMIUM === undefined)
  process.stderr.write("WebSockets of pages are not tested: Chromium is not installed.\n");

describe.skipIf(CHROMIUM === undefined)("WebSockets in Chromium", () => {
  let browser: Browser;
  let pair: Pair;
  let listed: Bun.Server<undefined>;
  let foreign: Bun.Server<undefined>;
  beforeAll(async () => {
    const script = join(import.meta.dir, "fixtures", "socketApp.ts");
    const port = await freePort();
    pair = await startPair({ config: { Security: { Origins: [`http://127.0.0.1:${port}`] } } });
    listed = await serveScript(script, port);
    foreign = await serveScript(script);
    await createCollections(pair);
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await listed?.stop(true);
    await foreign?.stop(true);
    await pair?.[Symbol.asyncDispose]();
  }, 120_000);

  const open = async (site: Bun.Server<undefined>): Promise<Page> => {
    const page = await browser.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`http://127.0.0.1:${site.port}/?hapta=${encodeURIComponent(pair.url)}`);
    await page.waitForFunction("globalThis.app !== undefined");
    return page;
  };

  test("the examples hear what their user may, sign in while they listen, and stop", async () => {
    const page = await open(listed);
    const streams: string[] = [];
    page.on("request", (request) => {
      if (request.url().endsWith("/api/realtime") && request.method() === "GET") streams.push(request.url());
    });
    await page.evaluate('app.listen("rt_owner")');
    await page.evaluate(`app.signIn(${JSON.stringify(ADA.email)}, ${JSON.stringify(PASSWORD)})`);
    // The SDK says who it is with its next subscription.
    await page.evaluate('app.listen("rt_member")');
    const create = (collection: string, title: string) =>
      asRoot(pair)("POST", `/api/collections/${collection}/records`, { title, owner: IDS.ada });
    await create("rt_owner", "hers");
    await create("rt_member", "for members");
    await page.waitForFunction("app.heard.length === 4");
    const both = (event: string) => [`sdk: create ${event}`, `socket: create ${event}`];
    expect(((await page.evaluate("app.heard")) as string[]).sort()).toEqual(
      [...both("for members"), ...both("hers")].sort(),
    );
    await page.evaluate("app.stop()");
    await create("rt_owner", "after");
    await page.waitForFunction("app.heard.length === 5");
    expect(await page.evaluate("app.heard[4]")).toBe("socket: create after");
    expect(streams).toEqual([]);
  }, 60_000);

  test("a page nobody listed cannot open one", async () => {
    const page = await open(foreign);
    const refused = page.waitForEvent("console", (message) => message.text().includes("403"));
    await page.evaluate(
      `void new WebSocket(${JSON.stringify(`${pair.url.replace("http", "ws")}/ws/realtime`)})`,
    );
    expect((await refused).text()).toContain("/ws/realtime");
  }, 60_000);
});
