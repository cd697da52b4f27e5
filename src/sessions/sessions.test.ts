import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  CHROME,
  DAY,
  HOUR,
  idOf,
  kindOf,
  LAPTOP,
  MINUTE,
  payloadOf,
  refresh,
  SECOND,
  startSessions,
  UPSTREAM,
} from "../../tests/support/sessionKit.ts";
import { createKeyRing } from "./keys.ts";
import { KeyTable } from "./keyTable.ts";
import { type Claims, mintToken } from "./token.ts";

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
