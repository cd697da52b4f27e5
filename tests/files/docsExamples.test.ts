// The examples of docs/files.md do what the page says, as they stand there: only addresses, ids and names are filled in.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loginCallers, type World } from "../support/fixture/load.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createScratch, PROJECT_DIR, type Scratch } from "../support/scratch.ts";

import { call, codeOf, metadata } from "./tusKit.ts";

const KEY = "the admin key of these tests";
const HERE = "http://localhost:3599";
const NOTICES = "/api/collections/notices/records";

const PAGE = readFileSync(join(PROJECT_DIR, "docs", "files.md"), "utf8");
const BLOCKS = [...PAGE.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({
  language,
  code: code ?? "",
}));

/** The one example with a text, filled in. */
const example = (text: string, filled: Readonly<Record<string, string>>): string => {
  const found = BLOCKS.filter(({ code }) => code.includes(text));
  expect(found.map(({ language }) => language)).toHaveLength(1);
  return Object.entries(filled).reduce((code, [from, to]) => {
    expect(code).toContain(from);
    return code.replaceAll(from, to);
  }, found[0]?.code ?? "");
};

/** What an example's `config.ts` exports, without its braces. */
const configOf = (code: string): string => code.slice(code.indexOf("{") + 1, code.lastIndexOf("}"));

let pocketbase: PocketBase;
let hapta: Hapta;
let tokens: World["tokens"];
let scratch: Scratch;
beforeAll(async () => {
  pocketbase = await startPocketBase();
  hapta = await startHapta(pocketbase, { env: { HAPTA_ADMIN_KEY: KEY } });
  tokens = await loginCallers(hapta.url);
  scratch = createScratch("docs");
}, 60_000);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await pocketbase[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

interface Ran {
  readonly exit: number;
  /** What it printed, but for errors. */
  readonly output: string;
}

const run = async (command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> => {
  const { PATH = "", HOME = "" } = process.env;
  const child = Bun.spawn([...command], {
    cwd: scratch.path,
    env: { PATH, HOME, ...env },
    stdout: "pipe",
    stderr: "ignore",
  });
  const output = await new Response(child.stdout).text();
  return { exit: await child.exited, output };
};
const inShell = (code: string, env?: Readonly<Record<string, string>>): Promise<Ran> =>
  run(["sh", "-ec", code], env);

test("this page has no other examples", () => {
  expect(BLOCKS.map(({ language }) => language)).toEqual(["sh", "sh", "js", "ts", "ts", "sh"]);
});

/** The demo's picture, and who signs, in the words of the fixture. */
const picture = (text: string, more: Readonly<Record<string, string>> = {}): string =>
  example(text, { [HERE]: hapta.url, posts: "articles", ...more });
const ranges = (): string => picture("curl -s -r 0-1023", { demopost0000001: IDS.news, image: "cover" });
const saved = (name: string): Buffer => readFileSync(join(scratch.path, name));

const cover = async (): Promise<Buffer> => {
  const path = `/api/files/articles/${IDS.news}/${pocketbase.world.files.cover}`;
  return Buffer.from(await (await fetch(pocketbase.url + path)).arrayBuffer());
};

test("ranges, and a download that goes on", async () => {
  const whole = await cover();
  const first = ranges().replace("0-1023", "0-99");
  expect((await inShell(first.slice(0, first.indexOf("curl -s -C")))).exit).toBe(0);
  expect(Buffer.compare(saved("picture.png"), whole.subarray(0, 100))).toBe(0);
  expect((await inShell(first)).exit).toBe(0);
  expect(Buffer.compare(saved("picture.png"), whole)).toBe(0);
});

test("a signed URL, and a download with it", async () => {
  const login = {
    users: "members",
    "mira@example.com": "ada@example.com",
    "hapta-demo": PASSWORD.replaceAll(" ", "+"),
  };
  const { exit, output } = await inShell(ranges() + picture("/files/sign", login));
  expect([exit, output]).toEqual([0, expect.stringMatching(/^\{"url":"\/api\/files\/.*token=hfs1\./)]);
  expect(Buffer.compare(saved("signed.png"), await cover())).toBe(0);
});

test("a resumable upload", async () => {
  const filled = { [HERE]: hapta.url, users: "notices", avatar: "blob" };
  const code = example("tus-js-client", filled);
  const authStore = { token: tokens.ada, record: { id: "notice000000004" } };
  const around = `const pb = { authStore: ${JSON.stringify(authStore)} };
    const file = Object.assign(Buffer.alloc(6_000_000, "x"), { name: "example.bin" });\n`;
  // Beside the packages that it imports.
  const path = join(scratch.path, "upload.mjs");
  const imports = join(PROJECT_DIR, "node_modules", "tus-js-client", "lib.esm", "node", "index.js");
  writeFileSync(path, around + code.replace('"tus-js-client"', JSON.stringify(imports)));
  const { exit, output } = await run(["node", path]);
  expect([exit, output]).toEqual([0, expect.stringContaining("in the record")]);
  expect(output).toContain("of 6000000");
  const record = await (await fetch(`${pocketbase.url}${NOTICES}/notice000000004`)).text();
  expect(record).toContain("example_");
});

test("megabytes of a user in a day", async () => {
  const code = example("ratelimit:", { films: "notices", "Max: 1000": "Max: 5" });
  await using gateway = await startHapta(pocketbase, { configText: configOf(code) });
  const { ada, ben } = await loginCallers(gateway.url);
  const bytes = new Uint8Array(2_500_000);
  const sendForm = async (token: string): Promise<Response> => {
    const form = new FormData();
    form.set("title", "heavy");
    form.append("blob", new Blob([bytes]), "a.bin");
    const headers = { Authorization: token };
    return await fetch(gateway.url + NOTICES, { method: "POST", headers, body: form });
  };
  const beginPieces = async (token: string): Promise<Response> => {
    const headers = { "Upload-Length": String(bytes.length), "Upload-Metadata": metadata("notice000000005") };
    return await call(`${gateway.url}/files/tus`, "POST", { token, headers, body: bytes });
  };
  const codes = async (send: (token: string) => Promise<Response>, token: string) => {
    const answers = [await send(token), await send(token)];
    expect(Number(answers[1]?.headers.get("retry-after"))).toBeGreaterThan(3_600);
    return answers.map(codeOf);
  };
  expect(await codes(sendForm, ada)).toEqual(["200 null", "429 rate_limited"]);
  expect(await codes(beginPieces, ben)).toEqual(["201 null", "429 rate_limited"]);
});

test("a check of one's own", async () => {
  const scanned: string[] = [];
  await using scanner = Bun.serve({
    port: 0,
    fetch: async (request) => {
      const text = await request.text();
      scanned.push(text);
      return new Response(text.includes("virus") ? "FOUND" : "OK");
    },
  });
  const code = example("Inspect:", { "http://127.0.0.1:3310": `http://127.0.0.1:${scanner.port}` });
  await using gateway = await startHapta(pocketbase, { configText: configOf(code) });
  const send = async (text: string): Promise<readonly [number, string]> => {
    const form = new FormData();
    form.set("title", "checked");
    form.append("blob", new Blob([text]), "a.txt");
    const answer = await fetch(gateway.url + NOTICES, { method: "POST", body: form });
    return [answer.status, await answer.text()];
  };
  expect((await send("all is well"))[0]).toBe(200);
  expect(await send("a virus")).toEqual([400, expect.stringContaining("A virus was found.")]);
  expect(scanned).toEqual(["all is well", "a virus"]);
});

test("what the operator sees", async () => {
  const code = example("$HAPTA_ADMIN_KEY", { [HERE]: hapta.url });
  const { output } = await inShell(code, { HAPTA_ADMIN_KEY: KEY });
  expect(Object.keys(JSON.parse(output) as object)).toEqual(["kept", "uploads", "resumable"]);
});
