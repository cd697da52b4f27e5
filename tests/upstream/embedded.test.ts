// The embedded PocketBase: its life, its files, its neighbours. Every process here is a real one.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BootError } from "../../src/pocketbase/bootError.ts";
import { startEmbedded } from "../../src/pocketbase/embedded.ts";
import { SuperuserClient } from "../../src/pocketbase/superuser.ts";
import { eventually } from "../support/eventually.ts";
import { binaryOf } from "../support/pocketbase.ts";
import { createScratch } from "../support/scratch.ts";
import { type Instance, keepLines, rejection, startInstance } from "./support.ts";

const BIN = binaryOf("0.39");
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const start = (dataDir: string, bin = BIN, lines = keepLines()): ReturnType<typeof startEmbedded> =>
  startEmbedded({
    dataDir,
    bin,
    log: lines.log,
    publicUrl: "http://localhost:3599",
    env: {},
    startDeadlineMs: 8_000,
  });

describe("startEmbedded, running", () => {
  let instance: Instance;
  beforeAll(async () => {
    instance = await startInstance();
  });
  afterAll(() => instance[Symbol.asyncDispose]());

  test("keeps its folder and its password private", () => {
    const { dataDir, pb } = instance;
    expect(modeOf(join(dataDir, "superuser.json"))).toBe("600");
    const password = pb.superuser.password.reveal();
    expect(password.length).toBeGreaterThan(40);
    for (const file of ["cmdline", "environ"]) {
      expect(readFileSync(`/proc/${pb.pid()}/${file}`, "utf8")).not.toContain(password);
    }
    expect(instance.lines.join("\n")).not.toContain(password);
  });

  test("sets what a gateway needs at the first start", async () => {
    const { json } = await instance.client.request("GET", "/api/settings");
    expect(json).toMatchObject({
      meta: { appName: "Hapta demo", appURL: "http://localhost:3599" },
      trustedProxy: { headers: ["X-Forwarded-For"], useLeftmostIP: false },
      batch: { enabled: true },
    });
  });

  test("refuses a second Hapta on the same folder with one sentence", async () => {
    const error = await rejection(start(instance.dataDir));
    expect(error).toBeInstanceOf(BootError);
    expect(error.message).toMatch(/^Another Hapta \(process \d+\) is using .*HAPTA_DATA_DIR/);
    expect((await fetch(`${instance.pb.url}/api/health`)).status).toBe(200);
  });

  test("refuses a second Hapta in another process too", async () => {
    const script = join(import.meta.dir, "fixtures", "runEmbedded.ts");
    const other = Bun.spawn([process.execPath, script, instance.dataDir, BIN], {
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await other.exited).toBe(1);
    expect(await new Response(other.stderr).text()).toContain("Another Hapta");
  });

  test("comes back on the same address after kill -9, with one warning", async () => {
    const before = instance.pb.pid();
    if (before === undefined) throw new Error("PocketBase does not run");
    process.kill(before, "SIGKILL");
    const after = await eventually(async () => {
      const answer = await fetch(`${instance.pb.url}/api/health`, { keepalive: false });
      return answer.ok && instance.pb.pid() !== before && instance.pb.pid();
    }, 5_000);
    expect(after).not.toBe(before);
    await eventually(() => instance.lines.includes("info PocketBase runs again."), 5_000);
    expect(instance.lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);
    expect(instance.lines.find((line) => line.startsWith("warn"))).toMatch(
      /^warn PocketBase stopped \(SIGKILL\)/,
    );
  });
});

test("startEmbedded makes a missing folder with mode 0700 and stops PocketBase on close", async () => {
  using scratch = createScratch("embedded-new");
  const dataDir = join(scratch.path, "deep", "data");
  const pb = await start(dataDir);
  const pid = pb.pid() ?? 0;
  expect(modeOf(dataDir)).toBe("700");
  await Promise.all([pb.close(), pb.close()]);
  expect(isAlive(pid)).toBe(false);
  expect(pb.pid()).toBeUndefined();
});

test("PocketBase does not outlive a Hapta that is killed with -9, and the folder is free again", async () => {
  using scratch = createScratch("embedded-killed");
  const script = join(import.meta.dir, "fixtures", "runEmbedded.ts");
  const hapta = Bun.spawn([process.execPath, script, scratch.path, BIN], { stdout: "pipe" });
  const reader = hapta.stdout.getReader();
  const line = new TextDecoder().decode((await reader.read()).value);
  const { pid } = JSON.parse(line) as { pid: number };
  expect(isAlive(pid)).toBe(true);
  hapta.kill("SIGKILL");
  await hapta.exited;
  await eventually(() => !isAlive(pid), 3_000);
  const next = await start(scratch.path);
  await next.close();
});

test("a data folder that was swapped gets its superuser again; user hooks run without Hapta's secrets", async () => {
  using scratch = createScratch("embedded-swapped");
  const first = await start(scratch.path);
  await first.close();
  rmSync(join(scratch.path, "pb_data"), { recursive: true });
  chmodSync(join(scratch.path, "superuser.json"), 0o644);
  mkdirSync(join(scratch.path, "pb_hooks"));
  const hook =
    'routerAdd("GET", "/own", (e) => e.json(200, [$os.getenv("HAPTA_ADMIN_KEY"), $os.getenv("OWN")]));';
  writeFileSync(join(scratch.path, "pb_hooks", "own.pb.js"), hook);
  const lines = keepLines();
  const env = { ...process.env, HAPTA_ADMIN_KEY: "not-for-hooks-000", OWN: "mine" };
  const options = {
    dataDir: scratch.path,
    bin: BIN,
    log: lines.log,
    publicUrl: "http://localhost:3599",
    env,
  };
  const second = await startEmbedded(options);
  try {
    expect(second.superuser.password.reveal()).toBe(first.superuser.password.reveal());
    await new SuperuserClient({ url: second.url, ...second.superuser }).login();
    expect(lines.lines.some((line) => line.includes("could be read by others (mode 644)"))).toBe(true);
    expect(modeOf(join(scratch.path, "superuser.json"))).toBe("600");
    expect(await (await fetch(`${second.url}/own`)).json()).toEqual(["", "mine"]);
  } finally {
    await second.close();
  }
});

describe("startEmbedded says in one sentence what stops it:", () => {
  const cases: readonly [string, (dir: string) => Promise<unknown>, RegExp][] = [
    ["a damaged login file", (dir) => start(damage(dir)), /superuser\.json is damaged; delete it/],
    [
      "a file in the place of the folder",
      (dir) => start(join(plainFile(dir), "x")),
      /Cannot make the data folder .* not a folder/,
    ],
    ["a program that is no PocketBase", (dir) => start(dir, "/bin/true"), /ended at once without a word/],
    ["a program that does not exist", (dir) => start(dir, join(dir, "none")), /^Cannot run .*not found/],
    [
      "a program that is not executable",
      (dir) => start(dir, plainFile(dir)),
      /^Cannot run .*[Pp]ermission denied/,
    ],
    ["a damaged database", (dir) => start(damageDatabase(dir)), /pb_data.*backup/],
  ];
  for (const [name, run, sentence] of cases) {
    test(name, async () => {
      using scratch = createScratch("embedded-refused");
      const error = await rejection(run(scratch.path));
      expect(error).toBeInstanceOf(BootError);
      expect(error.message).toMatch(sentence);
      expect(error.message).not.toContain("\n");
    });
  }
  const damage = (dir: string): string => {
    writeFileSync(join(dir, "superuser.json"), '{"email":"a@b.c","passw');
    return dir;
  };
  const plainFile = (dir: string): string => {
    writeFileSync(join(dir, "plain"), "text");
    return join(dir, "plain");
  };
  const damageDatabase = (dir: string): string => {
    mkdirSync(join(dir, "pb_data"));
    writeFileSync(join(dir, "pb_data", "data.db"), "this is no database".repeat(500));
    return dir;
  };
});

test("a crash loop is reported in one line each time, with what PocketBase said last", async () => {
  await using instance = await startInstance();
  const { pb, lines } = instance;
  // The port goes to somebody else while PocketBase is down.
  const pid = pb.pid() ?? 0;
  process.kill(pid, "SIGKILL");
  const thief = await eventually(
    () =>
      Bun.listen({
        hostname: "127.0.0.1",
        port: Number(new URL(pb.url).port),
        socket: { data: () => undefined },
      }),
    3_000,
  );
  await eventually(
    () => lines.filter((line) => /^warn.*address already in use/.test(line)).length >= 2,
    8_000,
  );
  thief.stop(true);
  await eventually(async () => (await fetch(`${pb.url}/api/health`, { keepalive: false })).ok, 8_000);
}, 120_000);
