// AP1: with the guard hook of examples/pocketbase-guard, PocketBase answers nobody but Hapta.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import {
  ADA,
  call,
  jsonOf,
  login,
  ROOT,
  refreshed,
  START_MS,
  TEST_MS,
  tryLogin,
} from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { PROJECT_DIR } from "../support/scratch.ts";

setDefaultTimeout(TEST_MS);
const SECRET = "guard-secret-0123456789-abcdef";
const GUARD = join(PROJECT_DIR, "examples", "pocketbase-guard", "guard.pb.js");

let pb: PocketBase;
let hapta: Hapta;
beforeAll(async () => {
  pb = await startPocketBase({
    prepare: (dir) => copyFileSync(GUARD, join(dir, "pb_hooks", "guard.pb.js")),
    env: { HAPTA_GUARD_SECRET: SECRET },
    healthStatus: 403,
  });
  hapta = await startHapta(pb, { env: { HAPTA_GUARD_SECRET: SECRET } });
}, START_MS);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await pb[Symbol.asyncDispose]();
}, START_MS);

const statusOf = async (path: string, options: Partial<Parameters<typeof call>[1]> = {}): Promise<number> =>
  (await call(pb.url, { path, ...options })).status;

describe("AP1: straight at PocketBase's port everything is 403:", () => {
  test("writes and reads with a token PocketBase itself has made", async () => {
    const token = pb.world.tokens.ada;
    const headers = [["Content-Type", "application/json"]] as const;
    expect(await statusOf("/api/collections/articles/records", { token, json: { title: "x" } })).toBe(403);
    expect(await statusOf("/api/collections/articles/records", { token })).toBe(403);
    expect(await statusOf("/api/collections/diaries/records", { method: "PATCH", token, headers })).toBe(403);
    expect(await statusOf("/api/batch", { token, json: { requests: [] } })).toBe(403);
  });

  test("logins, a superuser's too", async () => {
    expect((await tryLogin(pb.url, ADA)).status).toBe(403);
    expect((await tryLogin(pb.url, ROOT)).status).toBe(403);
  });

  test.each([
    "/",
    "/_/",
    "/api/health",
    "/api/realtime",
    "/api/settings",
    "/custom/hello",
    "/api/files/a/b/c",
  ])("%s", async (path) => {
    expect(await statusOf(path)).toBe(403);
  });

  test("a wrong, empty, doubled or differently spelled secret", async () => {
    for (const value of ["", "x", `${SECRET}x`, SECRET.slice(1), SECRET.toUpperCase()])
      expect(await statusOf("/api/health", { headers: [["X-Hapta-Guard", value]] })).toBe(403);
    expect(await statusOf("/api/health", { headers: [["X_Hapta_Guard", SECRET]] })).toBe(403);
    expect(await statusOf("/api/health", { headers: [["X-Hapta-Guard", SECRET]] })).toBe(200);
  });
});

describe("through Hapta everything works:", () => {
  test("login, read, write, refresh, the change feed", async () => {
    const token = await refreshed(hapta.url, await login(hapta.url, ADA));
    const diaries = await call(hapta.url, { path: "/api/collections/diaries/records", token });
    expect(jsonOf(diaries)["totalItems"]).toBe(1);
    const hello = await call(hapta.url, { path: "/custom/hello" });
    expect(`${hello.status} ${hello.text}`).toBe("200 hello");
    await eventually(async () => (await call(hapta.url, { path: "/hapta/ready" })).status === 200, 5_000);
    await eventually(() => hapta.child.output().includes("The change feed is connected."), 5_000);
  });

  test("what a client says of itself as the guard's secret is not passed on", async () => {
    for (const name of ["X-Hapta-Guard", "x-hapta-guard", "X_Hapta_Guard"]) {
      const answer = await call(hapta.url, { path: "/custom/hello", headers: [[name, "wrong"]] });
      expect(answer.status).toBe(200);
    }
  });

  test("no hook, rule or answer sees the secret", async () => {
    const path = "/custom/headers?names=X-Hapta-Guard";
    const answer = await call(hapta.url, { path });
    expect(jsonOf(answer)["seen"]).toEqual({ "X-Hapta-Guard": null });
    expect(hapta.child.output() + pb.child.output()).not.toContain(SECRET);
  });
});

test("PocketBase without the variable refuses everybody, the header of no secret included", async () => {
  await using open = await startPocketBase({
    prepare: (dir) => copyFileSync(GUARD, join(dir, "pb_hooks", "guard.pb.js")),
    healthStatus: 403,
  });
  for (const headers of [[], [["X-Hapta-Guard", ""]], [["X-Hapta-Guard", SECRET]]] as const)
    expect((await call(open.url, { path: "/api/health", headers })).status).toBe(403);
});
