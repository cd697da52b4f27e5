// A client that somebody else's tool generates from `/openapi.json`: it compiles, and creates, reads, changes, deletes.
import { afterAll, beforeAll, expect, mock, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { createScratch, PROJECT_DIR } from "../support/scratch.ts";
import { type App, startApp } from "./support.ts";

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

const body: components["schemas"]["articles_create"] = { title: "Typed", kind: "news", tags: ["red"], views: 3 };
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
const wrong: components["schemas"]["articles_create"] = { title: "x", kind: "opera" };
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

test("openapi-typescript generates a client that compiles and works", async () => {
  // The generator needs the compiler's API, which TypeScript 7 does not have.
  const compiler = await import("typescript-5");
  mock.module("typescript", () => ({ ...compiler, default: compiler.default }));
  const { default: generate, astToString } = await import("openapi-typescript");
  const text = await (await app.call("ada", "/openapi.json")).text();
  const types = astToString(await generate(text));

  using scratch = createScratch("client");
  await Bun.write(join(scratch.path, "api.ts"), types);
  await Bun.write(join(scratch.path, "program.ts"), PROGRAM);
  await Bun.write(join(scratch.path, "tsconfig.json"), JSON.stringify(CONFIG));
  symlinkSync(join(PROJECT_DIR, "node_modules"), join(scratch.path, "node_modules"));
  const run = (...command: string[]) =>
    Bun.spawnSync(command, { cwd: scratch.path, stderr: "pipe", timeout: 25_000 });

  const compiled = run("node", join(PROJECT_DIR, "node_modules", "typescript", "bin", "tsc"), "-p", ".");
  expect([compiled.exitCode, compiled.stdout.toString()]).toEqual([0, ""]);
  const done = run(process.execPath, "run", "program.ts", app.hapta.url, app.tokens.ada, "memberada000001");
  expect([done.exitCode, done.stderr.toString()]).toEqual([0, ""]);
  expect(JSON.parse(done.stdout.toString())).toEqual({
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
