// The examples of docs/admin.md do what the page says.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EVENT_TYPES } from "../../src/sessions/eventRow.ts";
import { call, createMember, login } from "../sessions/support.ts";
import { PROJECT_DIR } from "../support/scratch.ts";
import { ADMIN_KEY, askJson, type Page, type SessionItem, sharedPairWithKey } from "./support.ts";

const pair = sharedPairWithKey();

const PAGE = readFileSync(join(PROJECT_DIR, "docs", "admin.md"), "utf8");

interface Example {
  readonly method: string;
  readonly url: URL;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | undefined;
}

/** Reads the few options of curl that the page uses; throws for any other. */
const parseCurl = (line: string): Example => {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? "");
  let method = "GET";
  let url = "";
  let body: string | undefined;
  const headers: [string, string][] = [];
  for (let at = 1; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "-s") continue;
    if (word === "-X") method = words[++at] ?? "";
    else if (word === "-H") {
      const [name = "", value = ""] = (words[++at] ?? "").split(": ");
      headers.push([name, value]);
    } else if (word === "-d") {
      body = words[++at] ?? "";
      headers.push(["Content-Type", "application/x-www-form-urlencoded"]);
    } else if (word.startsWith("-")) throw new Error(`an option this test does not know: ${word}`);
    else url = word;
  }
  return { method, url: new URL(url), headers, body };
};

test("every example is answered with success", async () => {
  const member = await createMember(pair.url);
  const examples = [...PAGE.matchAll(/^curl .*$/gm)].map((match) => match[0]);
  expect(examples.length).toBeGreaterThanOrEqual(10);
  for (const line of examples) {
    // Each example finds what it names: the ones before it may have ended it.
    const token = await login(pair.url, member);
    const { items } = await askJson<Page<SessionItem>>(
      pair.url,
      `/hapta/sessions?collection=members&limit=1`,
    );
    const keys = await askJson<{ items: { kid: string; use: string }[] }>(pair.url, "/hapta/keys");
    const filled = line
      .replaceAll("$HAPTA_ADMIN_KEY", ADMIN_KEY)
      .replaceAll("$TOKEN", token)
      .replaceAll("collection=users", "collection=members")
      .replaceAll("RECORD_ID", member.id)
      .replaceAll("SESSION_ID", items[0]?.id ?? "")
      .replaceAll("KEY_ID", keys.items.find(({ use }) => use === "signing")?.kid ?? "");
    const { method, url, headers, body } = parseCurl(filled);
    const answer = await call(pair.url, {
      method,
      path: url.pathname + url.search,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    expect(`${line} ${answer.status} ${answer.text.slice(0, 200)}`).toMatch(/ 20[04] /);
    if (body !== undefined) expect(JSON.parse(answer.text)).toMatchObject({ active: true });
  }
});

test("every call over sessions, events and keys is on the page, and every type of event", async () => {
  const { paths } = await askJson<{ paths: Record<string, Record<string, unknown>> }>(
    pair.url,
    "/hapta/openapi.json",
  );
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
  );
  // Parts that come with a page of their own describe themselves there.
  const own = calls.filter(([, path]) => /^\/hapta\/(?:sessions|events|keys)\b/.test(path));
  expect(own.length).toBeGreaterThanOrEqual(9);
  const shown = [...PAGE.matchAll(/^curl .*$/gm)].map((match) => parseCurl(match[0]));
  for (const [method, path] of own) {
    const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[A-Z_]+")}$`);
    const found = shown.some((one) => one.method === method && pattern.test(one.url.pathname));
    expect(`${method} ${path} ${found}`).toBe(`${method} ${path} true`);
  }
  const missing = EVENT_TYPES.filter((type) => !PAGE.includes(`\`${type}\``));
  // Written by parts of Hapta that have pages of their own.
  expect(missing.filter((type) => type !== "limit_hit" && type !== "origin_denied")).toEqual([]);
});
