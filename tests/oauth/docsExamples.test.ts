// The examples of docs/oauth2.md do what the page says, as they stand there: only addresses and names are filled in. The SDK's
// own flow, in a browser: popup.test.ts.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import PocketBase from "pocketbase";
import { ADA, login } from "../sessions/support.ts";
import { PROJECT_DIR } from "../support/scratch.ts";
import { APP_SCHEME, Browser, START_MS, type Stand, startStand, TEST_MS, type Visit } from "./support.ts";

setDefaultTimeout(TEST_MS);
const PAGE = readFileSync(join(PROJECT_DIR, "docs", "oauth2.md"), "utf8");
const BLOCKS = [...PAGE.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
const THERE = "https://api.example.com";

let stand: Stand;
beforeAll(async () => {
  stand = await startStand({ config: { OAuth2: { DeviceLogin: true, RedirectURLs: [APP_SCHEME] } } });
}, START_MS);
afterAll(async () => {
  await stand?.[Symbol.asyncDispose]();
});

type Run = new (...names: string[]) => (...values: unknown[]) => Promise<unknown>;
const AsyncFunction = (async () => undefined).constructor as Run;

/** Runs the one example with a text, and returns its `url`, if any; `names` are what the page takes for granted. */
const runExample = async (text: string, names: Readonly<Record<string, unknown>>): Promise<unknown> => {
  const found = BLOCKS.filter((code) => code.includes(text));
  expect(found).toHaveLength(1);
  const code = (found[0] ?? "")
    .replaceAll(THERE, stand.url)
    .replaceAll('"users"', '"members"')
    .replaceAll('"google"', '"oidc"');
  expect(code).toContain(stand.url);
  const run = new AsyncFunction(
    ...Object.keys(names),
    `${code}\nreturn typeof url === "undefined" ? "" : url;`,
  );
  return await run(...Object.values(names));
};

const makeVerifier = (): { verifier: string; challenge: string } => {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
};

const fieldsOf = ({ text }: Visit): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(([, name, value]) => [
      name,
      value,
    ]),
  );

/** Says yes on one of Hapta's pages; where that leads. */
const confirm = async (browser: Browser, page: string, place: string): Promise<string> => {
  const form = { ...fieldsOf(await browser.visit(page)), provider: "oidc" };
  const leaving = await browser.visit(`${stand.url}/auth/oauth2/${place}`, { form });
  return /<a class="button" href="([^"]+)"/.exec(leaving.text)?.[1]?.replaceAll("&#38;", "&") ?? "";
};

/** Whether the SDK's client is signed in as somebody, by a token that Hapta takes. */
const expectSignedIn = async (pb: PocketBase, email: string): Promise<void> => {
  expect(pb.authStore.isValid).toBe(true);
  expect((await pb.collection("members").authRefresh()).record["email"]).toBe(email);
};

test("a code is exchanged, and the SDK's store takes what comes back", async () => {
  stand.sub = "docs-code";
  const { verifier, challenge } = makeVerifier();
  const query = new URLSearchParams({ redirect: APP_SCHEME, challenge });
  const start = `${stand.url}/auth/oauth2/members/oidc?${query}`;
  const end = await new Browser().follow(start, [APP_SCHEME]);
  const pb = new PocketBase(stand.url);
  const code = new URL(end).searchParams.get("code");
  await runExample("const { token, record, meta }", { pb, code, verifier });
  await expectSignedIn(pb, "docs-code@example.com");
});

test("a device without a browser is let in from a phone", async () => {
  stand.sub = "docs-device";
  const pb = new PocketBase(stand.url);
  const approve = async (shown: string): Promise<void> => {
    const [, page = "", userCode = ""] = /^Open (\S+) and type (\S+)$/.exec(shown) ?? [];
    const browser = new Browser();
    await browser.follow(await confirm(browser, `${page}?user_code=${userCode}`, "approve"), []);
  };
  let approved: Promise<void> | undefined;
  const console = {
    log: (shown: string): void => {
      approved = approve(shown);
    },
  };
  await runExample("codes.verification_uri", { pb, console });
  await approved;
  await expectSignedIn(pb, "docs-device@example.com");
});

test("a provider is linked to whoever is signed in", async () => {
  stand.sub = "docs-link";
  const { verifier, challenge } = makeVerifier();
  const token = await login(stand.url, ADA);
  const page = String(await runExample("/auth/oauth2/link", { token, challenge }));
  const browser = new Browser();
  const end = await browser.follow(await confirm(browser, page, "confirm"), [APP_SCHEME]);
  const pb = new PocketBase(stand.url);
  const code = new URL(end).searchParams.get("code");
  await runExample("const { token, record, meta }", { pb, code, verifier });
  await expectSignedIn(pb, ADA.email);
});
