// UP3, UP4: what strangers may store runs no script in the browser of whoever opens it, from PocketBase or kept, opened,
// framed, embedded, or pulled in as a script.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { CHROMIUM, launchChromium } from "../support/browser.ts";
import { drawPng } from "../support/fixture/png.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";

const STEP_MS = 30_000;
const MARK = "script-ran";

/** Tells, as far as it runs, by a request that the test sees, and by a mark in the window. */
const script = (name: string): string =>
  `window.ran=(window.ran||"")+"${name} ";new Image().src="/api/health?${MARK}=${name}"`;
const latin = (text: string): Buffer => Buffer.from(text, "latin1");
const svg = (inside: string, attributes = ""): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" ${attributes}>${inside}</svg>`;

const FILES: Readonly<Record<string, Buffer>> = {
  "script.svg": latin(svg(`<script>${script("svg")}</script>`)),
  "onload.svg": latin(svg("", `onload='${script("onload")}'`)),
  "foreign.svg": latin(
    svg(
      `<foreignObject width="9" height="9"><body xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror='${script("foreign")}'/></body></foreignObject>`,
    ),
  ),
  "entity.svg": latin(
    `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "/api/health?${MARK}=entity">]>${svg("<text>&x;</text>")}`,
  ),
  "page.html": latin(`<!doctype html><script>${script("html")}</script>`),
  "page.xhtml": latin(
    `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>${script("xhtml")}</script></html>`,
  ),
  "code.js": latin(script("js")),
  "code.mjs": latin(script("mjs")),
  // One text to a picture viewer, another to a browser.
  "gif.gif": latin(`GIF89a=1;//\n${script("gifjs")}`),
  "gif.html": latin(`GIF89a\x01\0\x01\0<script>${script("gifhtml")}</script>`),
  "pdf.pdf": latin(
    `%PDF-1.4\n<html><script>${script("pdfhtml")}</script></html>\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\ntrailer<</Root 1 0 R>>`,
  ),
  "zip.jpg": Buffer.concat([
    latin("\xff\xd8\xff\xe0\0\x10JFIF\0"),
    latin(`<script>${script("jpeg")}</script>PK\x05\x06`),
  ]),
  "png.html": Buffer.concat([Buffer.from(drawPng(2, 2)), latin(`<script>${script("pnghtml")}</script>`)]),
  "bare.txt": latin(`<script>${script("txt")}</script>`),
  "page.bin": latin(` \t\n<html><body onload='${script("bin")}'>`),
};

// For the page: every element that may run what it loads.
const EMBED = `async (sources) => {
  const attributes = { iframe: "src", embed: "src", img: "src", object: "data", script: "src" };
  const elements = sources.flatMap((source) => Object.entries(attributes).map(([name, attribute]) => {
    const element = document.createElement(name);
    element.setAttribute(attribute, source);
    return element;
  }));
  const modules = sources.map((source) => Object.assign(document.createElement("script"), { type: "module", src: source }));
  await Promise.all([...elements, ...modules].map((element) => new Promise((resolve) => {
    element.onload = element.onerror = resolve;
    setTimeout(resolve, 1000);
    document.body.append(element);
  })));
  return String(window.ran);
}`;

if (!CHROMIUM) process.stderr.write("The test of hostile files is skipped: Chromium is not installed.\n");

describe.skipIf(!CHROMIUM)("UP3 UP4 stored files in Chromium", () => {
  let browser: Browser;
  let pocketbase: PocketBase;
  let hapta: Hapta;
  let other: Bun.Server<undefined>;
  const paths: string[] = [];
  beforeAll(async () => {
    pocketbase = await startPocketBase();
    hapta = await startHapta(pocketbase);
    other = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      // The same files again, without any care: what they would do if they could.
      fetch: (request) => {
        const name = new URL(request.url).pathname.slice(1);
        const body = FILES[name];
        const type = name.endsWith(".svg") ? "image/svg+xml" : "text/html";
        if (body === undefined)
          return new Response("<!doctype html><body>", { headers: { "Content-Type": "text/html" } });
        return new Response(new Uint8Array(body), { headers: { "Content-Type": type } });
      },
    });
    for (const [name, bytes] of Object.entries(FILES)) {
      const form = new FormData();
      form.append("title", name);
      form.append("blob", new Blob([new Uint8Array(bytes)], { type: "text/html" }), name);
      const answer = await fetch(`${hapta.url}/api/collections/notices/records`, {
        method: "POST",
        body: form,
      });
      const saved: unknown = await answer.json();
      expect([name, answer.status]).toEqual([name, 200]);
      const [id, blob] = ["id", "blob"].map((member) => String(Reflect.get(Object(saved), member)));
      paths.push(`/api/files/notices/${id}/${blob}`);
    }
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await other?.stop(true);
    await hapta?.[Symbol.asyncDispose]();
    await pocketbase?.[Symbol.asyncDispose]();
  }, 120_000);

  /** A page, and what scripts have told that should not have run in it. */
  const watched = async (): Promise<{ readonly page: Page; readonly ran: string[] }> => {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(STEP_MS);
    const ran: string[] = [];
    context.on("request", (request) => {
      if (request.url().includes(MARK)) ran.push(request.url());
    });
    return { page, ran };
  };

  /** Puts elements into the page that is open, waits until each has loaded or failed, and says what ran. */
  const embed = (page: Page, urls: readonly string[]): Promise<unknown> =>
    page.evaluate(`(${EMBED})(${JSON.stringify(urls)})`);

  test("run nothing when they are opened, the first time and from what is kept", async () => {
    const { page, ran } = await watched();
    for (const path of [...paths, ...paths]) {
      // What is an attachment ends the navigation.
      await page.goto(hapta.url + path).catch(() => undefined);
      expect(await page.evaluate("String(window.ran)")).toBe("undefined");
    }
    expect(ran).toEqual([]);
  }, 60_000);

  test("run nothing in a page of the same origin", async () => {
    const { page, ran } = await watched();
    await page.goto(`${hapta.url}/api/health`);
    await page.evaluate("void document.documentElement.append(document.createElement('body'))");
    // Files that say they are scripts are what a page of one's own may load on purpose.
    const urls = paths.filter((path) => !/\.m?js$/.test(path)).map((path) => hapta.url + path);
    expect([await embed(page, urls), ran]).toEqual(["undefined", []]);
  }, 60_000);

  test("run nothing in a page of another origin", async () => {
    const { page, ran } = await watched();
    await page.goto(`http://127.0.0.1:${other.port}/`);
    const urls = paths.filter((path) => !/\.m?js$/.test(path)).map((path) => hapta.url + path);
    expect([await embed(page, urls), ran]).toEqual(["undefined", []]);
  }, 60_000);

  test("would run from a server that takes no care", async () => {
    const { page, ran } = await watched();
    for (const name of Object.keys(FILES).filter((one) => /svg|html|jpg|pdf|bin/.test(one)))
      await page.goto(`http://127.0.0.1:${other.port}/${name}`).catch(() => undefined);
    const names = new Set(ran.map((url) => url.slice(url.indexOf("=") + 1)));
    expect([...names].sort()).toEqual([
      "bin",
      "foreign",
      "gifhtml",
      "html",
      "jpeg",
      "onload",
      "pdfhtml",
      "pnghtml",
      "svg",
      "xhtml",
    ]);
  }, 60_000);

  test("leave with the headers that keep them inert", async () => {
    for (const path of [...paths, ...paths]) {
      const { headers, status } = await fetch(hapta.url + path);
      expect([path, status]).toEqual([path, 200]);
      const isInline = /^(?:image\/(?:gif|png|jpeg)|application\/pdf)/.test(
        headers.get("content-type") ?? "",
      );
      expect([path, headers.get("x-content-type-options")]).toEqual([path, "nosniff"]);
      expect(headers.get("content-security-policy")).toContain("sandbox");
      expect(headers.get("content-disposition")).toStartWith(isInline ? "inline" : "attachment");
    }
  });
});
