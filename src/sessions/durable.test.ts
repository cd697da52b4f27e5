// ST2: whatever is acknowledged was committed before and is in the files at that very instant: a copy of them knows it. All
// but plain rotations was committed on a connection that syncs. What a power cut takes back is made up for: powerCut.test.ts.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { type CommitWatch, FULL, NORMAL, syncLevelOf, watchCommits } from "../../tests/support/commits.ts";
import { createScratch } from "../../tests/support/scratch.ts";
import {
  DAY,
  idOf,
  type Kit,
  kindOf,
  LAPTOP,
  startSessions,
  UPSTREAM,
} from "../../tests/support/sessionKit.ts";
import { createSessions } from "./createSessions.ts";
import type { NewUpstream } from "./refresher.ts";
import { openConnection } from "./schema.ts";
import type { Verdict } from "./verdict.ts";

/** How each connection that committed since the test began syncs. */
const commits: unknown[] = [];
let watch: CommitWatch;
beforeEach(() => {
  commits.length = 0;
  watch = watchCommits((level) => commits.push(level));
});
afterEach(() => watch[Symbol.dispose]());

const SUBJECT = { cid: "pbc_users", uid: "user00000000001" };
const NOTE = { reason: "test" };

/** Each acknowledged change, and how its token stands in a copy that is taken at once. */
const CHANGES: Readonly<
  Record<string, (kit: Kit, token: string) => Promise<readonly [string, Verdict["kind"]]>>
> = {
  "a login": async (kit) => [await kit.login(), "live"],
  "a refresh": async (kit, token) => {
    const outcome = await kit.sessions.refresh(token, LAPTOP);
    return ["token" in outcome ? outcome.token : "", "live"];
  },
  "a logout": async (kit, token) => {
    await kit.sessions.revoke({ kind: "session", id: await idOf(kit, token) }, NOTE);
    return [token, "revoked"];
  },
  "signing a record out": async (kit, token) => {
    await kit.sessions.revoke({ kind: "record", ...SUBJECT }, NOTE);
    return [token, "revoked"];
  },
  "signing the other devices out": async (kit, token) => {
    const keepId = await idOf(kit, await kit.login());
    await kit.sessions.revoke({ kind: "others", ...SUBJECT, keepId }, NOTE);
    return [token, "revoked"];
  },
  "signing a collection out": async (kit, token) => {
    await kit.sessions.revoke({ kind: "collection", cid: SUBJECT.cid }, NOTE);
    return [token, "revoked"];
  },
  "signing everybody out": async (kit, token) => {
    await kit.sessions.revoke({ kind: "everybody" }, NOTE);
    return [token, "revoked"];
  },
  "a revoked key": async (kit, token) => {
    await kit.sessions.keys.revoke(kit.sessions.keys.signingKid);
    return [token, "invalid"];
  },
  "a login PocketBase no longer knows": async (kit, token) => {
    await kit.sessions.checkRecord(SUBJECT);
    return [token, "revoked"];
  },
};

for (const [name, change] of Object.entries(CHANGES)) {
  test(`ST2: ${name} is in the files when it is acknowledged, and synced unless it is a rotation`, async () => {
    using kit = startSessions({ probe: () => Promise.resolve({ kind: "dead" }) });
    using copy = createScratch("copy");
    const first = await kit.login();
    commits.length = 0;
    const [token, kind] = await change(kit, first);
    cpSync(kit.dataDir, copy.path, { recursive: true });
    expect(commits.length).toBeGreaterThan(0);
    expect(new Set(commits)).toEqual(new Set([name === "a refresh" ? NORMAL : FULL]));
    expect(await kindOf(kit, token)).toBe(kind);
    const copied = createSessions({ dataDir: copy.path, clock: kit.clock, warn: () => undefined });
    expect((await copied.resolve(token, LAPTOP)).kind).toBe(kind);
    expect(await copied.checkEvents()).toMatchObject({ ok: true });
    copied.close();
  });
}

test("ST2: a refresh is synced when the upstream token it replaces is past half of its life", async () => {
  using kit = startSessions();
  const upstream = (): NewUpstream => ({ token: UPSTREAM, expMs: kit.clock.now() + 5 * DAY });
  const levelsOf = async (token: string): Promise<unknown[]> => {
    commits.length = 0;
    expect((await kit.sessions.refresh(token, LAPTOP, upstream())).kind).toBe("minted");
    return [...commits];
  };
  const [young, old] = [await kit.login(), await kit.login()];
  kit.clock.advance(2 * DAY);
  // This one notes how long the signing key is needed, which is synced, too.
  await kit.login();
  expect(await levelsOf(young)).toEqual([NORMAL]);
  kit.clock.advance(DAY);
  await kit.login();
  expect(await levelsOf(old)).toEqual([FULL]);
});

test("ST2: names that are taken once stay taken, and marks stay set, in a copy of that instant", async () => {
  using kit = startSessions({ probe: () => Promise.resolve({ kind: "dead" }) });
  using copy = createScratch("copy");
  const token = await kit.login();
  expect(await kit.sessions.takeOnce("code", kit.clock.now() + 60_000)).toBe(true);
  await kit.sessions.checkCollection(SUBJECT.cid);
  cpSync(kit.dataDir, copy.path, { recursive: true });
  expect(new Set(commits)).toEqual(new Set([FULL]));
  kit.clock.advance(1_000);
  const probe = (): Promise<{ kind: "dead" }> => Promise.resolve({ kind: "dead" });
  const copied = createSessions({ dataDir: copy.path, clock: kit.clock, warn: () => undefined, probe });
  expect(await copied.takeOnce("code", kit.clock.now() + 60_000)).toBe(false);
  expect((await copied.resolve(token, LAPTOP)).kind).toBe("revoked");
  copied.close();
});

test("ST2: the connection for telemetry does not sync each commit, the other one does", () => {
  using scratch = createScratch("modes");
  const modes = (["durable", "lazy"] as const).map((durability) => {
    const db = openConnection(`${scratch.path}/x.db`, durability);
    const mode = [syncLevelOf(db), Object.values(db.query("PRAGMA journal_mode").get() ?? {})[0]];
    db.close();
    return mode;
  });
  expect(modes).toEqual([
    [FULL, "wal"],
    [NORMAL, "wal"],
  ]);
});
