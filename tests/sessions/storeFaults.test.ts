// ST3 through Hapta: a store that cannot be written now is a 503 wherever something must be stored, reads go on, no token
// leaves that was not stored, and nothing needs a restart afterwards. ST4 to ST6 are about Redis, which this version does
// not speak yet: its tests come with it.
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../support/childProcess.ts";
import { eventually } from "../support/eventually.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createScratch, PROJECT_DIR } from "../support/scratch.ts";
import { headOf } from "../support/wireReader.ts";
import {
  ADA,
  BEN,
  call,
  diariesSeen,
  jsonOf,
  login,
  refresh,
  refreshed,
  START_MS,
  TEST_MS,
  tryLogin,
  verdictOf,
  verify,
} from "./support.ts";

setDefaultTimeout(TEST_MS);
let pb: PocketBase;
let hapta: Hapta;
let ada: string;
beforeAll(async () => {
  pb = await startPocketBase();
  hapta = await startHapta(pb);
  ada = await login(hapta.url, ADA);
  // Ending the other devices has something to store only while there is one.
  await login(hapta.url, ADA);
}, START_MS);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await pb[Symbol.asyncDispose]();
}, START_MS);

const UNAVAILABLE = "503 sessions_unavailable";
const devices = async (token: string): Promise<number> =>
  (JSON.parse((await call(hapta.url, { path: "/auth/sessions", token })).text) as unknown[]).length;

/** Everything that must be stored is refused, everything else works. */
const expectReadOnly = async (token: string): Promise<void> => {
  const refusals = await Promise.all([
    tryLogin(hapta.url, BEN),
    refresh(hapta.url, token),
    // A code that may have been used before.
    call(hapta.url, {
      path: "/api/collections/members/auth-with-oauth2",
      json: { provider: "any", code: "any", codeVerifier: "any" },
    }),
    call(hapta.url, { method: "POST", path: "/auth/logout", token }),
    call(hapta.url, { method: "DELETE", path: "/auth/sessions", token }),
  ]);
  expect(refusals.map(verdictOf)).toEqual(refusals.map(() => UNAVAILABLE));
  for (const refusal of refusals) {
    expect(refusal.text).not.toContain("eyJ");
    expect(headOf(refusal, "retry-after")).toBe("1");
  }
  expect(await diariesSeen(hapta.url, token)).toBe(1);
  expect(await verify(hapta.url, token)).toBe(200);
  expect(await diariesSeen(hapta.url)).toBe(0);
};

/** A login and a logout are refused, reads go on as whom they were. */
const expectFull = async (hapta: Hapta, token: string): Promise<void> => {
  const refusals = await Promise.all([
    tryLogin(hapta.url, ADA),
    call(hapta.url, { method: "POST", path: "/auth/logout", token }),
  ]);
  expect(refusals.map(verdictOf)).toEqual([UNAVAILABLE, UNAVAILABLE]);
  expect(await diariesSeen(hapta.url, token)).toBe(1);
};

/** After the fault: the same token goes on, and what was refused has left nothing behind. */
const expectRecovered = async (token: string, before: number): Promise<void> => {
  const ben = await eventually(async () => {
    const answer = await tryLogin(hapta.url, BEN);
    return answer.status === 200 && String(jsonOf(answer)["token"]);
  }, 5_000);
  expect(await devices(ben)).toBe(1);
  expect(await devices(token)).toBe(before);
  ada = await refreshed(hapta.url, token);
  expect(await verify(hapta.url, ada)).toBe(200);
  await call(hapta.url, { method: "POST", path: "/auth/logout", token: ben });
};

test("ST3: another process holds the database for longer than a write waits", async () => {
  const before = await devices(ada);
  const db = new Database(join(hapta.dataDir, "sessions.db"));
  db.run("BEGIN IMMEDIATE");
  try {
    await expectReadOnly(ada);
  } finally {
    db.run("ROLLBACK");
    db.close();
  }
  await expectRecovered(ada, before);
});

const prlimit = (pid: number, limit: string): boolean =>
  spawnSync("prlimit", ["--pid", String(pid), `--fsize=${limit}:`]).status === 0;

test.skipIf(process.platform !== "linux" || !prlimit(process.pid, "unlimited"))(
  "ST3: no byte more can be written",
  async () => {
    const before = await devices(ada);
    // Every write behind this place fails, as on a disk that is full; the log of the database is behind it.
    expect(prlimit(hapta.child.pid, "4096")).toBe(true);
    try {
      await expectReadOnly(ada);
    } finally {
      prlimit(hapta.child.pid, "unlimited");
    }
    await expectRecovered(ada, before);
  },
);

/** A small file system of its own for a data folder. @throws Error where mounting is not allowed. */
const mounted = (options: string): Disposable & { readonly path: string } => {
  const scratch = createScratch("mounted");
  const path = join(scratch.path, "data");
  mkdirSync(path, { mode: 0o700 });
  const mount = spawnSync("mount", ["-t", "tmpfs", "-o", `${options},mode=700`, "none", path]);
  if (mount.status !== 0) throw new Error(String(mount.stderr));
  return {
    path,
    [Symbol.dispose]() {
      spawnSync("umount", ["-l", path]);
      scratch[Symbol.dispose]();
    },
  };
};

const mayMount = ((): boolean => {
  if (process.platform !== "linux") return false;
  try {
    using _tried = mounted("size=64k");
    return true;
  } catch {
    // Not root, or root of a container without the right to.
    return false;
  }
})();

describe.skipIf(!mayMount)("ST3 on a file system of its own, where one may be mounted", () => {
  const onDisk = (disk: { readonly path: string }): Promise<Hapta> =>
    startHapta(pb, { env: { HAPTA_DATA_DIR: disk.path }, config: { Log: { Requests: "off" } } });
  const fill = (disk: { readonly path: string }): string => {
    const filler = join(disk.path, "filler");
    spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4096"]);
    expect(statSync(filler).size).toBeGreaterThan(0);
    return filler;
  };
  /** Logs in until the log of the database is full: it may have room in the page it has begun. */
  const loginsUntilFull = async (hapta: Hapta): Promise<string[]> => {
    const tokens: string[] = [];
    await eventually(async () => {
      const answer = await tryLogin(hapta.url, ADA);
      if (answer.status === 200) tokens.push(String(jsonOf(answer)["token"]));
      else expect(verdictOf(answer)).toBe(UNAVAILABLE);
      return answer.status !== 200;
    }, 10_000);
    return tokens;
  };

  test("the disk is full: what was acknowledged is kept, over kill -9 and a start without room", async () => {
    using disk = mounted("size=2m");
    const first = await onDisk(disk);
    const token = await login(first.url, ADA);
    const ended = await login(first.url, ADA);
    expect((await call(first.url, { method: "POST", path: "/auth/logout", token: ended })).status).toBe(204);
    const filler = fill(disk);
    const tokens = [token, ...(await loginsUntilFull(first))];
    await expectFull(first, token);
    const told = "The session store cannot be written (full)";
    await eventually(() => first.child.output().includes(told), 5_000);
    expect(first.child.output().split(told)).toHaveLength(2);
    first.child.kill("SIGKILL");
    await first[Symbol.asyncDispose]();

    await using again = await onDisk(disk);
    for (const one of tokens) expect(await verify(again.url, one)).toBe(200);
    expect(await verify(again.url, ended)).toBe(401);
    await expectFull(again, token);
    spawnSync("rm", [filler]);
    await eventually(async () => (await tryLogin(again.url, ADA)).status === 200, 5_000);
    await eventually(() => again.child.output().includes("The session store can be written again."), 5_000);
    expect((await call(again.url, { method: "POST", path: "/auth/logout", token })).status).toBe(204);
    expect(await verify(again.url, token)).toBe(401);
  });

  test("a folder that cannot be written refuses to start in one sentence", async () => {
    using disk = mounted("size=2m,ro");
    await using child = startChild({
      command: [process.execPath, "run", join(PROJECT_DIR, "src", "index.ts"), "--port", "0"],
      cwd: PROJECT_DIR,
      env: {
        DB_URL: pb.url,
        ADMIN_EMAIL: SUPERUSER.email,
        ADMIN_PASSWORD: SUPERUSER.password,
        HAPTA_DATA_DIR: disk.path,
      },
    });
    expect(await child.exited).not.toBe(0);
    expect(child.output()).not.toContain("    at ");
    expect(child.output()).toContain(disk.path);
  });
});
