import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { createScratch } from "../../tests/support/scratch.ts";
import {
  CHROME,
  DAY,
  HOUR,
  type Kit,
  LAPTOP,
  MINUTE,
  NO_DID,
  payloadOf,
  SECOND,
  startSessions,
  THIEF,
  UPSTREAM,
} from "../../tests/support/sessionKit.ts";
import type { Presenter } from "./device.ts";
import { createKeyRing } from "./keys.ts";
import { KeyTable } from "./keyTable.ts";
import type { Ended } from "./sessionContext.ts";
import { type Claims, mintToken } from "./token.ts";

const refresh = async (kit: Kit, token: string, presenter: Presenter = LAPTOP): Promise<string> => {
  const outcome = await kit.sessions.refresh(token, presenter);
  if (!("token" in outcome)) throw new Error(`refused: ${JSON.stringify(outcome)}`);
  return outcome.token;
};

const kindOf = async (kit: Kit, token: string, presenter: Presenter = LAPTOP): Promise<string> =>
  (await kit.sessions.resolve(token, presenter)).kind;

const idOf = async (kit: Kit, token: string): Promise<string> => {
  const verdict = await kit.sessions.resolve(token, LAPTOP);
  if (verdict.kind !== "live") throw new Error(verdict.kind);
  return verdict.session.id;
};

describe("resolve", () => {
  test("a login's token is the record's, and the upstream token stays inside", async () => {
    using kit = startSessions();
    const token = await kit.login();
    const verdict = kit.sessions.resolve(token, LAPTOP);
    expect(verdict).toMatchObject({
      kind: "live",
      session: { uid: "user00000000001", cid: "pbc_users", amr: "pwd" },
    });
    expect(kit.sessions.upstreamToken({ id: await idOf(kit, token) })).toBe(UPSTREAM);
    expect(Buffer.from(token.split(".")[1] ?? "", "base64").toString()).not.toContain("canary");
  });

  test("a token that was seen before is answered by the same value", async () => {
    using kit = startSessions();
    const token = await kit.login();
    const first = kit.sessions.resolve(token, LAPTOP);
    expect(kit.sessions.resolve(token, LAPTOP)).toBe(kit.sessions.resolve(token, LAPTOP));
    expect(kit.sessions.resolve(token, LAPTOP)).toEqual(await first);
  });

  test("TK2: PocketBase's own token and another database's are invalid", async () => {
    using kit = startSessions();
    using other = startSessions();
    expect(await kindOf(kit, UPSTREAM)).toBe("invalid");
    expect(await kindOf(kit, await other.login())).toBe("invalid");
  });

  test("ends at idle, at the absolute end, and with the upstream token", async () => {
    using kit = startSessions();
    const idle = await kit.login({
      uid: "idle",
      upstream: { token: "u", expMs: kit.clock.now() + 60 * DAY },
    });
    const busy = await kit.login({
      uid: "busy",
      upstream: { token: "u", expMs: kit.clock.now() + 60 * DAY },
    });
    const short = await kit.login({ uid: "short", upstream: { token: "u", expMs: kit.clock.now() + HOUR } });
    kit.clock.advance(HOUR + SECOND);
    expect(await kindOf(kit, short)).toBe("expired");
    for (let day = 0; day < 29; day++) {
      kit.clock.advance(DAY);
      expect(await kindOf(kit, busy)).toBe("live");
    }
    expect(await kindOf(kit, idle)).toBe("expired");
    kit.clock.advance(DAY);
    expect(await kindOf(kit, busy)).toBe("expired");
  });

  test("a superuser's session is short and strict", async () => {
    using kit = startSessions();
    const token = await kit.login({ cid: "pbc_superusers", kind: "superuser" });
    const next = await refresh(kit, token);
    expect(await kindOf(kit, next)).toBe("live");
    kit.clock.advance(2 * MINUTE);
    expect(await kindOf(kit, token)).toBe("revoked");
    const second = await kit.login({ cid: "pbc_superusers", kind: "superuser" });
    kit.clock.advance(31 * MINUTE);
    expect(await kindOf(kit, second)).toBe("expired");
  });

  test("ST9: a stepped wall clock logs nobody out and prolongs nothing", async () => {
    using kit = startSessions();
    const user = await kit.login();
    const admin = await kit.login({ cid: "pbc_superusers", kind: "superuser", uid: "root" });
    const next = await refresh(kit, user);
    expect(await kindOf(kit, next)).toBe("live");
    kit.clock.advance(10 * SECOND);
    for (const step of [HOUR, -2 * HOUR, HOUR]) {
      kit.clock.step(step);
      for (const token of [user, next, admin]) expect(await kindOf(kit, token)).toBe("live");
    }
    kit.clock.advance(51 * SECOND);
    expect(await kindOf(kit, user)).toBe("stale");
    const last = await kit.login({ uid: "late", upstream: { token: "u", expMs: kit.clock.now() + HOUR } });
    expect(await kindOf(kit, last)).toBe("live");
    kit.clock.step(-HOUR);
    kit.clock.advance(HOUR + SECOND);
    expect(await kindOf(kit, last)).toBe("expired");
  });
});

test("a token forged with a leaked signing key lacks the session's own proof", async () => {
  using kit = startSessions();
  const token = await kit.login();
  const db = new Database(join(kit.dataDir, "sessions.db"));
  const records = new KeyTable(db).all();
  const { signing } = createKeyRing(kit.sessions.root, records, kit.clock.now());
  const { aud, iss: _iss, ...claims } = payloadOf(token);
  const forge = (more: object): string =>
    mintToken({ ...(claims as unknown as Claims), ...more }, signing, String(aud));
  expect(forge({})).toBe(token);
  const forged = [
    { gen: 2 },
    { gen: 9 },
    { jti: "AAAAAAAAAAAAAAAAAAAAAA" },
    { id: "user00000000002" },
    { jkt: "x" },
  ];
  for (const one of forged) expect(kit.sessions.resolve(forge(one), LAPTOP)).toEqual({ kind: "invalid" });
  expect(await kindOf(kit, token)).toBe("live");
  db.close();
});

test("a wall clock set forward ends what it must within a quarter of a second", async () => {
  using kit = startSessions();
  const token = await kit.login({ upstream: { token: "u", expMs: kit.clock.now() + HOUR } });
  expect(await kindOf(kit, token)).toBe("live");
  kit.clock.step(2 * HOUR);
  kit.clock.advance(250);
  expect(await kindOf(kit, token)).toBe("expired");
});

test("a process that served a predecessor learns that the successor was used elsewhere", async () => {
  using kit = startSessions();
  const token = await kit.login();
  const other = kit.other();
  const next = await refresh(kit, token);
  expect(other.resolve(token, LAPTOP)).toMatchObject({ standing: "predecessor" });
  expect(await kindOf(kit, next)).toBe("live");
  kit.sessions.flush();
  kit.clock.advance(6 * SECOND);
  expect(other.resolve(token, LAPTOP)).toMatchObject({ standing: "grace" });
  kit.clock.advance(55 * SECOND);
  expect(await other.resolve(token, LAPTOP)).toMatchObject({ kind: "stale" });
});

describe("refresh", () => {
  test("RT1: 20 at once get one new generation, the same bytes", async () => {
    using kit = startSessions();
    const token = await kit.login();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => kit.sessions.refresh(token, LAPTOP)));
    const tokens = outcomes.map((outcome) => ("token" in outcome ? outcome.token : outcome.kind));
    expect(new Set(tokens).size).toBe(1);
    expect(outcomes.filter(({ kind }) => kind === "minted")).toHaveLength(1);
    expect(payloadOf(tokens[0] ?? "")["gen"]).toBe(2);
    expect(await kindOf(kit, tokens[0] ?? "")).toBe("live");
  });

  test("RT3: a lost answer is given again after a second, an hour, three days and from another address", async () => {
    using kit = startSessions();
    const token = await kit.login();
    const lost = await refresh(kit, token);
    for (const [pauseMs, presenter] of [
      [SECOND, LAPTOP],
      [HOUR, LAPTOP],
      [3 * DAY, { ...LAPTOP, address: "192.0.2.55" }],
    ] as const) {
      kit.clock.advance(pauseMs);
      expect(await refresh(kit, token, presenter)).toBe(lost);
    }
  });

  test("RT4, RT5: the old token serves until its successor is used, and a grace longer", async () => {
    using kit = startSessions();
    const token = await kit.login();
    const next = await refresh(kit, token);
    kit.clock.advance(5 * HOUR);
    expect(await kindOf(kit, token)).toBe("live");
    expect(await kindOf(kit, next)).toBe("live");
    kit.clock.advance(59 * SECOND);
    expect(await kindOf(kit, token)).toBe("live");
    kit.clock.advance(2 * SECOND);
    expect(await kindOf(kit, token)).toBe("stale");
    expect(await kindOf(kit, next)).toBe("live");
  });

  test("RT6: a thief's replay ends the family, is logged, and is told to whoever holds streams", async () => {
    const ended: Ended[] = [];
    using kit = startSessions({ onEnded: (one) => ended.push(one) });
    const token = await kit.login();
    const id = await idOf(kit, token);
    const next = await refresh(kit, token);
    await kindOf(kit, next);
    kit.clock.advance(2 * MINUTE);
    expect(await kindOf(kit, token, THIEF)).toBe("revoked");
    expect(await kindOf(kit, next)).toBe("revoked");
    expect(ended).toEqual([{ ids: [id], cid: "pbc_users", uid: "user00000000001", reason: "token_replay" }]);
    expect(kit.sessions.events({ type: "token_replay" })).toMatchObject([{ session: id, ip: THIEF.address }]);
    expect(await kit.sessions.refresh(next, LAPTOP)).toEqual({ kind: "revoked", reason: "token_replay" });
    expect(kit.sessions.upstreamToken({ id })).toBeUndefined();
  });

  test("RT8: a thief's unused successor is found as a fork", async () => {
    using kit = startSessions();
    const token = await kit.login();
    await kindOf(kit, token);
    const stolen = await refresh(kit, token, THIEF);
    expect(await kit.sessions.refresh(token, LAPTOP)).toEqual({ kind: "revoked", reason: "fork" });
    expect(await kindOf(kit, stolen, THIEF)).toBe("revoked");
  });

  test("RT10: a logout that races a refresh leaves no usable token, in 300 interleavings", async () => {
    using kit = startSessions({ limits: { record: { idleMs: DAY, absoluteMs: DAY, perRecordMax: 400 } } });
    for (let round = 0; round < 300; round++) {
      const token = await kit.login({ uid: `user${round}` });
      const id = await idOf(kit, token);
      const turns = round % 5;
      const logout = async (): Promise<void> => {
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        await kit.sessions.revoke({ kind: "session", id }, { reason: "logout" });
      };
      const refreshing = () => kit.sessions.refresh(token, LAPTOP);
      const outcomes =
        round % 2 === 1
          ? await Promise.all([logout(), refreshing(), refreshing()])
          : await Promise.all([refreshing(), logout(), refreshing()]);
      const minted = outcomes.flatMap((one) => (one !== undefined && "token" in one ? [one.token] : []));
      for (const one of [token, ...minted]) expect(await kindOf(kit, one)).toBe("revoked");
    }
    expect(kit.sessions.list({ cid: "", uid: "" })).toEqual([]);
  });

  test("RT10: a sign-out of everybody also stops a refresh that was judged before it", async () => {
    using kit = startSessions();
    const token = await kit.login();
    const [outcome] = await Promise.all([
      kit.sessions.revoke({ kind: "everybody" }, { reason: "restore" }).then(() => undefined),
      kit.sessions.refresh(token, LAPTOP),
    ]).then(([, second]) => [second]);
    expect(outcome?.kind).toBe("revoked");
    expect(await kindOf(kit, token)).toBe("revoked");
    kit.clock.advance(1);
    expect(await kindOf(kit, await kit.login())).toBe("live");
  });

  test("RT11: a revocation stands although a listener fails", async () => {
    using kit = startSessions({
      onEnded: () => {
        throw new Error("listener");
      },
    });
    const token = await kit.login();
    const next = await refresh(kit, token);
    await kindOf(kit, next);
    kit.clock.advance(2 * MINUTE);
    expect(await kindOf(kit, token, THIEF)).toBe("revoked");
    kit.restart();
    expect(await kindOf(kit, next)).toBe("revoked");
    expect(kit.warnings).toHaveLength(1);
  });

  test("RT12: a laptop that wakes up elsewhere keeps its family", async () => {
    using kit = startSessions();
    const token = await kit.login({ presenter: NO_DID });
    const next = await refresh(kit, token, NO_DID);
    await kindOf(kit, next, NO_DID);
    kit.clock.advance(2 * HOUR);
    expect(await kindOf(kit, token, { ...NO_DID, address: "192.0.2.1" })).toBe("stale");
    expect(await kindOf(kit, next, NO_DID)).toBe("live");
    // Stale uses are logged beside the answer; the next write comes after them.
    await kit.sessions.record({ type: "authn_success" });
    expect(kit.sessions.events({ type: "token_stale" })).toMatchObject([{ detail: "far" }]);
  });

  test("RT14: the grace does not outlive the token", async () => {
    using kit = startSessions();
    const token = await kit.login({ upstream: { token: "u", expMs: kit.clock.now() + MINUTE } });
    kit.clock.advance(50 * SECOND);
    const outcome = await kit.sessions.refresh(token, LAPTOP, { token: "v", expMs: kit.clock.now() + DAY });
    if (!("token" in outcome)) throw new Error(outcome.kind);
    expect(await kindOf(kit, outcome.token)).toBe("live");
    kit.clock.advance(11 * SECOND);
    expect(await kindOf(kit, token)).toBe("expired");
    expect(await kindOf(kit, outcome.token)).toBe("live");
  });

  test("RT16: a token from after the backup heals the session", async () => {
    using kit = startSessions();
    using backup = createScratch("backup");
    const first = await kit.login();
    const second = await refresh(kit, first);
    await kindOf(kit, second);
    kit.sessions.close();
    cpSync(kit.dataDir, backup.path, { recursive: true });
    kit.restart();
    const third = await refresh(kit, second);
    const fourth = await refresh(kit, third);
    const restored = kit.other({ dataDir: backup.path });
    const results = await Promise.all([1, 2, 3].map(() => restored.resolve(fourth, LAPTOP)));
    expect(results.map(({ kind }) => kind)).toEqual(["live", "live", "live"]);
    expect(restored.events({ type: "generation_ahead" })).toMatchObject([{ detail: "2 to 4" }]);
    const again = await restored.refresh(fourth, LAPTOP);
    expect(again.kind).toBe("minted");
    expect(await kindOf(kit, third)).toBe("live");
  });

  test("RT17: a process that is behind asks the store before it judges", async () => {
    using kit = startSessions();
    const token = await kit.login();
    const behind = kit.other();
    expect(behind.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
    const next = await refresh(kit, token);
    expect(await behind.resolve(next, LAPTOP)).toMatchObject({ kind: "live" });
    expect(await behind.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
    const third = await behind.refresh(next, LAPTOP);
    expect(third.kind).toBe("minted");
    expect(await kindOf(kit, next)).toBe("live");
    expect(kit.sessions.events({ type: "generation_ahead" })).toEqual([]);
    expect(kit.sessions.events({ type: "token_stale" })).toEqual([]);
  });

  test("RT18: a registered app and a browser share a session", async () => {
    using kit = startSessions();
    const app: Presenter = { userAgent: "node", address: "192.0.2.200", appId: "shop" };
    const first = await kit.login({ presenter: NO_DID });
    await kindOf(kit, first, NO_DID);
    let token = first;
    for (let page = 0; page < 10; page++) {
      const next = await Promise.all([1, 2, 3, 4].map(() => refresh(kit, token, app)));
      expect(new Set(next).size).toBe(1);
      token = next[0] ?? "";
      expect(await kindOf(kit, token, app)).toBe("live");
      kit.clock.advance(MINUTE);
    }
    expect(await kindOf(kit, first, NO_DID)).toBe("stale");
    expect(await refresh(kit, first, NO_DID)).toBe(token);
  });

  test("an impersonated session never rotates and knows no idle time", async () => {
    using kit = startSessions();
    const upstream = { token: "u", expMs: kit.clock.now() + 365 * DAY };
    const token = await kit.login({ kind: "impersonated", upstream });
    expect(payloadOf(token)["refreshable"]).toBe(false);
    kit.clock.advance(300 * DAY);
    expect(await kit.sessions.refresh(token, LAPTOP)).toMatchObject({ kind: "same", token });
    expect(await kindOf(kit, token)).toBe("live");
  });
});

describe("open", () => {
  test("RT13: only a login that succeeded lets the session run out that came along", async () => {
    using kit = startSessions();
    const old = await kit.login();
    const replaces = await idOf(kit, old);
    expect(await kindOf(kit, old)).toBe("live");
    const young = await kit.login({ replaces });
    expect(await kindOf(kit, old)).toBe("live");
    expect(await refresh(kit, old)).toBe(old);
    kit.clock.advance(61 * SECOND);
    expect(await kindOf(kit, old)).toBe("expired");
    expect(await kindOf(kit, young)).toBe("live");
  });

  test("the 21st session lets the least used one run out", async () => {
    using kit = startSessions();
    const tokens: string[] = [];
    for (let at = 0; at < 20; at++) {
      tokens.push(await kit.login());
      kit.clock.advance(SECOND);
    }
    const apiKey = await kit.login({ kind: "impersonated" });
    kit.clock.advance(MINUTE);
    await kindOf(kit, tokens[0] ?? "");
    kit.sessions.flush();
    await kit.login();
    expect(kit.sessions.events({ type: "session_superseded" })).toMatchObject([{ detail: "limit" }]);
    kit.clock.advance(61 * SECOND);
    expect(await kindOf(kit, tokens[0] ?? "")).toBe("live");
    expect(await kindOf(kit, tokens[1] ?? "")).toBe("expired");
    expect(await kindOf(kit, apiKey)).toBe("live");
  });

  test("a login that began before a sign-out everywhere opens nothing, also with a clock that was set back", async () => {
    using kit = startSessions();
    await kit.login();
    const began = kit.clock.now() - 500;
    await kit.sessions.revoke(
      { kind: "record", cid: "pbc_users", uid: "user00000000001" },
      { reason: "password_changed" },
    );
    expect(kit.login({ authTimeMs: began })).rejects.toThrow();
    kit.clock.step(-HOUR);
    expect(await kindOf(kit, await kit.login())).toBe("live");
  });
});

describe("revoke", () => {
  test("ends one, the others, a record's, a collection's, everybody's", async () => {
    using kit = startSessions();
    const [a, b, c] = [await kit.login(), await kit.login(), await kit.login()];
    const foreign = await kit.login({ uid: "user00000000002" });
    const staff = await kit.login({ cid: "pbc_staff" });
    const subject = { cid: "pbc_users", uid: "user00000000001" };
    const keepId = await idOf(kit, a);
    expect(await kit.sessions.revoke({ kind: "session", id: await idOf(kit, b) }, { reason: "logout" })).toBe(
      1,
    );
    expect(await kit.sessions.revoke({ kind: "session", id: "unknown" }, { reason: "logout" })).toBe(0);
    expect(await kit.sessions.revoke({ kind: "others", ...subject, keepId }, { reason: "logout" })).toBe(1);
    const kinds = async (): Promise<string[]> =>
      Promise.all([a, b, c, foreign, staff].map((one) => kindOf(kit, one)));
    expect(await kinds()).toEqual(["live", "revoked", "revoked", "live", "live"]);
    await kit.sessions.revoke({ kind: "record", ...subject }, { reason: "password_changed" });
    expect(await kinds()).toEqual(["revoked", "revoked", "revoked", "live", "live"]);
    await kit.sessions.revoke({ kind: "collection", cid: "pbc_users" }, { reason: "auth_rule" });
    expect(await kinds()).toEqual(["revoked", "revoked", "revoked", "revoked", "live"]);
    await kit.sessions.revoke({ kind: "everybody" }, { reason: "restore" });
    kit.restart();
    expect(new Set(await kinds())).toEqual(new Set(["revoked"]));
  });

  test("reaches another process within a quarter of a second, and its streams", async () => {
    using kit = startSessions();
    const ended: Ended[] = [];
    const other = kit.other({ onEnded: (one) => ended.push(one) });
    const tokens = [await kit.login(), await kit.login({ uid: "user00000000002" })];
    for (const token of tokens) expect(other.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
    await kit.sessions.revoke(
      { kind: "session", id: await idOf(kit, tokens[0] ?? "") },
      { reason: "logout" },
    );
    kit.clock.advance(250);
    expect(other.resolve(tokens[0] ?? "", LAPTOP)).toEqual({ kind: "revoked", reason: "logout" });
    expect(other.resolve(tokens[1] ?? "", LAPTOP)).toMatchObject({ kind: "live" });
    await kit.sessions.revoke({ kind: "everybody" }, { reason: "restore" });
    kit.clock.advance(250);
    expect(other.resolve(tokens[1] ?? "", LAPTOP)).toMatchObject({ kind: "revoked" });
    expect(ended.map(({ reason }) => reason)).toEqual(["logout", "restore"]);
  });

  test("reaches a session that the caches have forgotten", async () => {
    using kit = startSessions({ cacheMax: 4 });
    const token = await kit.login({ uid: "first" });
    expect(await kindOf(kit, token)).toBe("live");
    const id = await idOf(kit, token);
    for (let at = 0; at < 10; at++) {
      const next = await kit.login({ uid: `user${at}` });
      await kindOf(kit, next);
      // The token stays warm while its session is not looked up again.
      await kit.sessions.resolve(token, LAPTOP);
    }
    await kit.sessions.revoke({ kind: "session", id }, { reason: "logout" });
    expect(await kindOf(kit, token)).toBe("revoked");
  });
});

test("list shows a record's own devices, last seen first, without secrets", async () => {
  using kit = startSessions();
  const token = await kit.login();
  kit.clock.advance(HOUR);
  await kit.login({ presenter: { userAgent: CHROME.replace("Windows", "Linux"), address: "192.0.2.9" } });
  await kit.login({ uid: "user00000000002" });
  const currentId = await idOf(kit, token);
  const devices = kit.sessions.list({ cid: "pbc_users", uid: "user00000000001" }, { currentId });
  expect(devices.map(({ label, ip, isCurrent }) => [label, ip, isCurrent])).toEqual([
    ["Chrome on Linux", "192.0.2.9", false],
    ["Chrome on Windows", "203.0.113.7", true],
  ]);
  expect(devices.every(({ id }) => id.length >= 16)).toBe(true);
  expect(JSON.stringify(devices)).not.toContain(String(payloadOf(token)["sid"]));
});

test("TK5: file tokens end with their session, after 120 seconds, and are no auth tokens", async () => {
  using kit = startSessions();
  const token = await kit.login();
  const id = await idOf(kit, token);
  const file = kit.sessions.mintFileToken({ id }) ?? "";
  expect(await kit.sessions.resolveFileToken(file)).toMatchObject({ kind: "live", session: { id } });
  expect(await kindOf(kit, file)).toBe("invalid");
  expect(await kit.sessions.resolveFileToken(token)).toEqual({ kind: "invalid" });
  expect(payloadOf(file)["type"]).toBe("file");
  kit.clock.advance(121 * SECOND);
  expect(await kit.sessions.resolveFileToken(file)).toEqual({ kind: "expired" });
  const second = kit.sessions.mintFileToken({ id }) ?? "";
  await kit.sessions.revoke({ kind: "session", id }, { reason: "logout" });
  expect(await kit.sessions.resolveFileToken(second)).toMatchObject({ kind: "revoked" });
  expect(kit.sessions.mintFileToken({ id })).toBeUndefined();
});

test("takeOnce gives a name once, in whichever process", async () => {
  using kit = startSessions();
  const other = kit.other();
  const expMs = kit.clock.now() + MINUTE;
  const taken = await Promise.all(
    [1, 2, 3].flatMap(() => [kit.sessions.takeOnce("code", expMs), other.takeOnce("code", expMs)]),
  );
  expect(taken.filter(Boolean)).toHaveLength(1);
});

test("sweep deletes what has ended and nothing else", async () => {
  using kit = startSessions();
  const gone = await kit.login({ uid: "gone", upstream: { token: "u", expMs: kit.clock.now() + HOUR } });
  const idle = await kit.login({ uid: "idle" });
  await kit.sessions.revoke({ kind: "session", id: await idOf(kit, gone) }, { reason: "logout" });
  kit.clock.advance(2 * HOUR);
  const young = await kit.login({ uid: "young" });
  expect(await kit.sessions.sweep()).toBe(1);
  expect([await kindOf(kit, gone), await kindOf(kit, idle), await kindOf(kit, young)]).toEqual([
    "expired",
    "live",
    "live",
  ]);
});
