// ST1 in small, KV1 and KV5: what was acknowledged survives kill -9, and sessions depend on the root key alone.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../support/childProcess.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { type Hapta, type HaptaOptions, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createScratch, freePort, PROJECT_DIR, type Scratch } from "../support/scratch.ts";
import {
  ADA,
  call,
  diariesSeen,
  jsonOf,
  login,
  logout,
  refresh,
  refreshed,
  START_MS,
  TEST_MS,
  verify,
} from "./support.ts";

setDefaultTimeout(TEST_MS);
let pb: PocketBase;
beforeAll(async () => {
  pb = await startPocketBase();
}, START_MS);
afterAll(() => pb[Symbol.asyncDispose](), START_MS);

const startOn = (data: Scratch, options: HaptaOptions = {}): Promise<Hapta> =>
  startHapta(pb, { ...options, env: { HAPTA_DATA_DIR: data.path, ...options.env } });

/** Runs `use` against a Hapta on `data` and kills it the moment `use` has its answers. */
const killedAfter = async <T>(data: Scratch, use: (url: string) => Promise<T>): Promise<T> => {
  const hapta = await startOn(data);
  const result = await use(hapta.url);
  hapta.child.kill("SIGKILL");
  await hapta[Symbol.asyncDispose]();
  return result;
};

test("ST1: logins, logouts and refreshes that were acknowledged survive kill -9", async () => {
  using data = createScratch("durable");
  const made = await killedAfter(data, async (url) => {
    const [kept = "", out = "", old = ""] = await Promise.all([1, 2, 3].map(() => login(url, ADA)));
    expect(await logout(url, out)).toBe(204);
    const next = await refreshed(url, old);
    return { kept, out, old, next, last: await login(url, ADA) };
  });
  const ended = await killedAfter(data, async (url) => {
    for (const token of [made.kept, made.last, made.old, made.next])
      expect(await verify(url, token)).toBe(200);
    expect(await verify(url, made.out)).toBe(401);
    expect(await diariesSeen(url, made.kept)).toBe(1);
    expect(await diariesSeen(url, made.out)).toBe(0);
    // A client whose answer was lost: the same token again or a newer one, and one family only.
    const again = await refresh(url, made.old);
    expect(again.status).toBe(200);
    const devices = JSON.parse(
      (await call(url, { path: "/auth/sessions", token: made.kept })).text,
    ) as unknown[];
    expect(devices.length).toBe(3);
    expect((await call(url, { method: "DELETE", path: "/auth/sessions", token: made.kept })).status).toBe(
      204,
    );
    return [made.last, made.next, String(jsonOf(again)["token"])];
  });
  await killedAfter(data, async (url) => {
    expect(await verify(url, made.kept)).toBe(200);
    for (const token of [...ended, made.out]) expect(await verify(url, token)).toBe(401);
  });
});

const RANDOM_SECRET: HaptaOptions = { config: { Security: { Secret: crypto.randomUUID() } } };

test("KV1: sessions live on under another Security.Secret at every start", async () => {
  using data = createScratch("secrets");
  const tokens: string[] = [];
  for (let round = 0; round < 3; round++) {
    await using hapta = await startOn(data, {
      config: {
        Security: { ...(RANDOM_SECRET.config?.["Security"] as object), Secret: crypto.randomUUID() },
      },
    });
    for (const token of tokens) expect(await diariesSeen(hapta.url, token)).toBe(1);
    tokens.push(await login(hapta.url, ADA));
  }
  expect(tokens.length).toBe(3);
});

const isPrivate = (path: string): boolean => (statSync(path).mode & 0o077) === 0;

test("KV5: a wrong root key refuses to start in one sentence and changes nothing", async () => {
  using data = createScratch("keys");
  const key = (seed: number): string =>
    Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 37 + seed * 101) & 255)).toString("hex");
  const good = { env: { HAPTA_ROOT_KEY: key(1) } };
  let token = "";
  {
    await using hapta = await startOn(data, good);
    token = await login(hapta.url, ADA);
  }
  const db = join(data.path, "sessions.db");
  expect(isPrivate(db)).toBe(true);
  const before = readFileSync(db);
  const port = await freePort();
  for (const env of [{ HAPTA_ROOT_KEY: key(2) }, {}] as const) {
    await using child = startChild({
      command: [process.execPath, "run", join(PROJECT_DIR, "src", "index.ts"), "--port", String(port)],
      cwd: data.path,
      env: {
        DB_URL: pb.url,
        ADMIN_EMAIL: SUPERUSER.email,
        ADMIN_PASSWORD: SUPERUSER.password,
        HAPTA_DATA_DIR: data.path,
        ...env,
      },
    });
    expect(await child.exited).not.toBe(0);
    const said = child.output().trim();
    expect(said).toMatch(/root key/i);
    expect(said).not.toContain("    at ");
    for (const secret of [key(1), key(2), SUPERUSER.password]) expect(said).not.toContain(secret);
    expect(said.split("\n").filter((line) => /root key/i.test(line)).length).toBe(1);
  }
  expect(readFileSync(db).equals(before)).toBe(true);
  await using hapta = await startOn(data, good);
  expect(await diariesSeen(hapta.url, token)).toBe(1);
});
