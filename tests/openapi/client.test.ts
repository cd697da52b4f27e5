// A client that somebody else's tool generates from `/openapi.json`: it compiles, and creates, reads, changes, deletes.
import { afterAll, beforeAll, expect, mock, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { createScratch, PROJECT_DIR } from "../support/scratch.ts";
import { type App, CALLERS, type Caller, startApp } from "./support.ts";

let app: App;
beforeAll(async () => {
  app = await startApp();
}, 60_000);
afterAll(() => app[Symbol.asyncDispose]());

const PROGRAM = `
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

const [url = "", token = ""] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl: url, headers: { Authorization: token } });
const of = <T>({ data, error }: { data?: T; error?: unknown }): T => {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
};

const body: components["schemas"]["articles-create"] = { title: "Typed", kind: "news", tags: ["red"], views: 3 };
const made = of(await api.POST("/api/collections/articles/records", { params: {}, body: { ...body, author: process.argv[4] ?? "" } }));
const title: string = made.title;
const kind: "news" | "essay" | "note" | "" = made.kind;
const id = made.id;
const path = { id };
const page = of(await api.GET("/api/collections/articles/records", { params: { query: { filter: "id = '" + id + "'" } } }));
const seen: string | undefined = page.items[0]?.title;
const changed = of(await api.PATCH("/api/collections/articles/records/{id}", { params: { path }, body: { title: "Changed", "views+": 4 } }));
const views: number = changed.views;
const gone = await api.DELETE("/api/collections/articles/records/{id}", { params: { path } });
const after = await api.GET("/api/collections/articles/records/{id}", { params: { path } });
// @ts-expect-error a kind that the collection does not have
const wrong: components["schemas"]["articles-create"] = { title: "x", kind: "opera" };
console.log(JSON.stringify({ title, kind, seen, views, gone: gone.response.status, after: after.response.status, error: after.error?.status, wrong: wrong.title }));
`;

const CONFIG = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    module: "esnext",
    target: "esnext",
    moduleResolution: "bundler",
    skipLibCheck: true,
    types: ["bun"],
  },
  include: ["*.ts"],
};

const typesFor = async (caller: Caller): Promise<string> => {
  // The generator needs the compiler's API, which TypeScript 7 does not have.
  const compiler = await import("typescript-5");
  mock.module("typescript", () => ({ ...compiler, default: compiler.default }));
  const { default: generate, astToString } = await import("openapi-typescript");
  return astToString(await generate(await (await app.call(caller, "/openapi.json")).text()));
};

const runIn = (path: string, ...command: string[]) => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
    cwd: path,
    stderr: "pipe",
    timeout: 100_000,
  });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
};
const COMPILER = join(PROJECT_DIR, "node_modules", "typescript", "bin", "tsc");

test("openapi-typescript generates a client that compiles and works", async () => {
  const types = await typesFor("ada");

  using scratch = createScratch("client");
  await Bun.write(join(scratch.path, "api.ts"), types);
  await Bun.write(join(scratch.path, "program.ts"), PROGRAM);
  await Bun.write(join(scratch.path, "tsconfig.json"), JSON.stringify(CONFIG));
  symlinkSync(join(PROJECT_DIR, "node_modules"), join(scratch.path, "node_modules"));

  expect(runIn(scratch.path, "node", COMPILER, "-p", ".")).toMatchObject({ exitCode: 0, stdout: "" });
  const program = [process.execPath, "run", "program.ts", app.hapta.url, app.tokens.ada, "memberada000001"];
  const done = runIn(scratch.path, ...program);
  expect(done).toMatchObject({ exitCode: 0, stderr: "" });
  expect(JSON.parse(done.stdout)).toEqual({
    title: "Typed",
    kind: "news",
    seen: "Typed",
    views: 7,
    gone: 204,
    after: 404,
    error: 404,
    wrong: "x",
  });
}, 60_000);

test("what is generated for each kind of reader compiles", async () => {
  using scratch = createScratch("clients");
  for (const caller of CALLERS) await Bun.write(join(scratch.path, `${caller}.ts`), await typesFor(caller));
  await Bun.write(join(scratch.path, "tsconfig.json"), JSON.stringify(CONFIG));
  symlinkSync(join(PROJECT_DIR, "node_modules"), join(scratch.path, "node_modules"));
  expect(runIn(scratch.path, "node", COMPILER, "-p", ".")).toMatchObject({ exitCode: 0, stdout: "" });
}, 60_000);
