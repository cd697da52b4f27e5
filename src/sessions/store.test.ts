import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createScratch } from "../../tests/support/scratch.ts";
import {
  DAY,
  HOUR,
  LAPTOP,
  MINUTE,
  payloadOf,
  startSessions,
  THIEF,
} from "../../tests/support/sessionKit.ts";
import { createSessions } from "./createSessions.ts";
import { systemClock } from "./sources.ts";
import { StoreUnavailable } from "./storeUnavailable.ts";

const PROGRAMS = {
  crash: import.meta.resolve("../../tests/support/programs/crashingSessions.ts"),
  rotate: import.meta.resolve("../../tests/support/programs/rotatingSessions.ts"),
};

const program = async (name: keyof typeof PROGRAMS, args: readonly string[]) => {
  const child = Bun.spawn([process.execPath, "run", fileURLToPath(PROGRAMS[name]), ...args], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = await child.stdout.text();
  await child.exited;
  return { output: output.trim(), signal: child.signalCode };
};

const openReal = (dataDir: string) => createSessions({ dataDir, warn: () => undefined });

describe("ST1: killed at any point", () => {
  const points = ["begin", "applied", "committed", "minted"];

  for (const point of points) {
    test(`open, ${point}: no half session, and a token only of a session that is there`, async () => {
      using scratch = createScratch("crash");
      const { output, signal } = await program("crash", [scratch.path, "open", point]);
      expect([output, signal]).toEqual(["", "SIGKILL"]);
      const after = openReal(scratch.path);
      const isStored = point === "committed" || point === "minted";
      expect(after.list({ cid: "", uid: "" })).toHaveLength(isStored ? 1 : 0);
      expect(await after.checkEvents()).toEqual({ ok: true, events: isStored ? 1 : 0 });
      after.close();
    });

    test(`refresh, ${point}: the old token works and leads to one family`, async () => {
      using scratch = createScratch("crash");
      const { output: token } = await program("crash", [scratch.path, "open", "never"]);
      const killed = await program("crash", [scratch.path, "refresh", point, "1", token]);
      expect([killed.output, killed.signal]).toEqual(["", "SIGKILL"]);
      const after = openReal(scratch.path);
      expect(await after.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
      const [one, other] = [await after.refresh(token, LAPTOP), await after.refresh(token, LAPTOP)];
      if (!("token" in one && "token" in other)) throw new Error("refused");
      expect(other.token).toBe(one.token);
      expect(payloadOf(one.token)["gen"]).toBe(2);
      expect(after.list({ cid: "", uid: "" })).toHaveLength(1);
      after.close();
    });
  }

  for (const point of ["begin", "applied", "committed", "never"]) {
    test(`revoke, ${point}: what was acknowledged holds`, async () => {
      using scratch = createScratch("crash");
      const { output: token } = await program("crash", [scratch.path, "open", "never"]);
      const { output } = await program("crash", [scratch.path, "revoke", point, "1", token]);
      expect(output).toBe(point === "never" ? "204" : "");
      const after = openReal(scratch.path);
      const isEnded = point === "committed" || point === "never";
      expect((await after.resolve(token, LAPTOP)).kind).toBe(isEnded ? "revoked" : "live");
      after.close();
    });
  }
});

/** What a promise rejects with; undefined when it does not. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );

/** Runs with the database in a bad state; the other connection sees it only through the file. */
const withLock = async (dataDir: string, run: () => Promise<void>): Promise<void> => {
  const db = new Database(join(dataDir, "sessions.db"));
  db.run("BEGIN IMMEDIATE");
  try {
    await run();
  } finally {
    db.run("ROLLBACK");
    db.close();
  }
};

interface Disk {
  isFull: boolean;
}

/** What SQLite reports when a page cannot be written, for as long as a disk is full. */
const failsOn = (disk: Disk) => ({
  atPoint: (point: string): void => {
    if (disk.isFull && point === "applied") throw Object.assign(new Error("full"), { code: "SQLITE_FULL" });
  },
});

describe("ST3: a store that cannot be written", () => {
  test("locked: writes fail with StoreUnavailable after their deadline, known and unknown tokens still resolve", async () => {
    using kit = startSessions({ clock: systemClock, busyTimeoutMs: 40 });
    const login = () =>
      kit.login({ authTimeMs: Date.now(), upstream: { token: "u", expMs: Date.now() + DAY } });
    const [warm, cold] = [await login(), await login()];
    expect(kit.sessions.resolve(warm, LAPTOP)).toMatchObject({ kind: "live" });
    await withLock(kit.dataDir, async () => {
      for (const call of [login(), kit.sessions.refresh(warm, LAPTOP)].map(failureOf)) {
        expect(await call).toMatchObject({ name: "StoreUnavailable", problem: "busy" });
      }
      for (const token of [warm, cold])
        expect(kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
      kit.sessions.flush();
    });
    expect((await kit.sessions.refresh(warm, LAPTOP)).kind).toBe("minted");
  });

  test("locked for a moment: writes wait and succeed", async () => {
    using kit = startSessions({ clock: systemClock, busyTimeoutMs: 5_000 });
    const token = await kit.login({
      authTimeMs: Date.now(),
      upstream: { token: "u", expMs: Date.now() + DAY },
    });
    let refreshed: Promise<{ kind: string }> | undefined;
    await withLock(kit.dataDir, async () => {
      refreshed = kit.sessions.refresh(token, LAPTOP);
      await new Promise((resolve) => setTimeout(resolve, 30));
    });
    expect((await refreshed)?.kind).toBe("minted");
  });

  test("full: nothing that was not stored leaves, and reads go on", async () => {
    const disk: Disk = { isFull: false };
    using kit = startSessions(failsOn(disk));
    const token = await kit.login();
    disk.isFull = true;
    const calls = [
      () => kit.login(),
      () => kit.sessions.refresh(token, LAPTOP),
      () => kit.sessions.revoke({ kind: "everybody" }, { reason: "restore" }),
    ];
    for (const call of calls) {
      expect(await failureOf(call())).toMatchObject({ name: "StoreUnavailable", problem: "full" });
    }
    expect(kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
    expect(kit.sessions.list({ cid: "", uid: "" })).toHaveLength(1);
    disk.isFull = false;
    expect(payloadOf(await kit.login())["gen"]).toBe(1);
    expect((await kit.sessions.refresh(token, LAPTOP)).kind).toBe("minted");
    expect(await kit.sessions.checkEvents()).toMatchObject({ ok: true });
  });

  test("full: a session whose check brings a newer upstream token goes on with the one it has", async () => {
    const disk: Disk = { isFull: false };
    using kit = startSessions({
      ...failsOn(disk),
      probe: () =>
        Promise.resolve({ kind: "alive", upstream: { token: "newer", expMs: kit.clock.now() + DAY } }),
    });
    const token = await kit.login({ upstream: { token: "older", expMs: kit.clock.now() + HOUR } });
    disk.isFull = true;
    kit.clock.advance(6 * MINUTE);
    const verdict = await kit.sessions.resolve(token, LAPTOP);
    if (verdict.kind !== "live") throw new Error(verdict.kind);
    expect(kit.sessions.upstreamToken(verdict.session)).toBe("older");
    disk.isFull = false;
    kit.clock.advance(6 * MINUTE);
    expect(await kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
    expect(kit.sessions.upstreamToken(verdict.session)).toBe("newer");
  });

  test("full: a doubt about a collection that cannot be stored holds all the same", async () => {
    const disk: Disk = { isFull: false };
    let probes = 0;
    using kit = startSessions({
      ...failsOn(disk),
      probe: () => {
        probes++;
        return Promise.resolve({ kind: "dead" });
      },
    });
    const token = await kit.login();
    expect(kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
    disk.isFull = true;
    expect(await failureOf(kit.sessions.doubtCollection("pbc_users"))).toMatchObject({ problem: "full" });
    // PocketBase denies it, and an end that cannot be stored is no answer.
    expect(await failureOf(Promise.resolve(kit.sessions.resolve(token, LAPTOP)))).toMatchObject({
      problem: "full",
    });
    expect(probes).toBe(1);
    disk.isFull = false;
    expect(await kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "revoked" });
  });

  test("closed: everything fails with StoreUnavailable", async () => {
    using kit = startSessions();
    const token = await kit.login();
    kit.sessions.close();
    expect(await failureOf(kit.login())).toBeInstanceOf(StoreUnavailable);
    expect(() => kit.sessions.resolve(token, LAPTOP)).toThrow();
  });

  test("a replay that cannot be stored is not answered as if it were", async () => {
    const disk: Disk = { isFull: false };
    using kit = startSessions(failsOn(disk));
    const token = await kit.login();
    const next = await kit.sessions.refresh(token, LAPTOP);
    if (!("token" in next)) throw new Error(next.kind);
    await kit.sessions.resolve(next.token, LAPTOP);
    kit.clock.advance(2 * MINUTE);
    disk.isFull = true;
    const answer = Promise.resolve(kit.sessions.resolve(token, THIEF));
    expect(await failureOf(answer)).toBeInstanceOf(StoreUnavailable);
    disk.isFull = false;
    expect(await kit.sessions.resolve(token, THIEF)).toMatchObject({ kind: "revoked" });
  });
});

test("ST7: two processes on one file lose no update and show no busy database", async () => {
  using scratch = createScratch("two");
  const { output: shared } = await program("crash", [scratch.path, "open", "never"]);
  const { output: own } = await program("crash", [scratch.path, "open", "never"]);
  const runs = await Promise.all(
    [shared, shared, own].map((token) => program("rotate", [scratch.path, token, "150"])),
  );
  const results = runs.map(({ output }) => JSON.parse(output) as { minted: number; failures: number });
  expect(results.map(({ failures }) => failures)).toEqual([0, 0, 0]);
  const after = openReal(scratch.path);
  const last = await after.refresh(shared, LAPTOP);
  if (!("token" in last)) throw new Error(last.kind);
  const minted = (results[0]?.minted ?? 0) + (results[1]?.minted ?? 0);
  // Every minted generation is there, none twice.
  const generation = Number(payloadOf(last.token)["gen"]);
  expect(generation - (last.kind === "minted" ? 1 : 0)).toBe(minted + 1);
  expect(results[2]?.minted).toBe(150);
  expect(await after.checkEvents()).toMatchObject({ ok: true });
  after.close();
});

test("ST8: no upstream token, session key or token of ours can be read from the files", async () => {
  using kit = startSessions();
  const canary = "canary-7f3a9b-upstream";
  const tokens = [await kit.login({ upstream: { token: canary, expMs: kit.clock.now() + DAY } })];
  const outcome = await kit.sessions.refresh(tokens[0] ?? "", LAPTOP, {
    token: `${canary}2`,
    expMs: kit.clock.now() + DAY,
  });
  if ("token" in outcome) tokens.push(outcome.token);
  await kit.sessions.resolve(tokens[1] ?? "", LAPTOP);
  kit.sessions.flush();
  const secrets = [canary, LAPTOP.did ?? ""];
  for (const token of tokens) {
    const { sid, jti } = payloadOf(token);
    secrets.push(...token.split(".").slice(1), String(sid), String(jti));
  }
  const scan = (): void => {
    for (const name of readdirSync(kit.dataDir)) {
      const bytes = readFileSync(join(kit.dataDir, name));
      for (const secret of secrets)
        expect([name, secret, bytes.includes(secret)]).toEqual([name, secret, false]);
    }
  };
  scan();
  expect(readdirSync(kit.dataDir)).toContain("sessions.db-wal");
  for (const name of readdirSync(kit.dataDir)) expect(statSync(join(kit.dataDir, name)).mode & 0o077).toBe(0);
  kit.sessions.close();
  scan();
});
