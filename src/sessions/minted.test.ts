// What a process has minted or read itself it does not verify or read again: that must show nowhere.
import { expect, test } from "bun:test";
import {
  DAY,
  HOUR,
  idOf,
  kindOf,
  LAPTOP,
  MINUTE,
  NO_DID,
  refresh,
  startSessions,
} from "../../tests/support/sessionKit.ts";

test("a token that was minted here counts for nothing at its first use when its session has ended meanwhile", async () => {
  using kit = startSessions();
  const token = await kit.login();
  const next = await refresh(kit, token);
  await kit.sessions.revoke({ kind: "session", id: await idOf(kit, token) }, { reason: "logout" });
  expect(await kindOf(kit, next)).toBe("revoked");
});

test("nor when another process has ended it", async () => {
  using kit = startSessions();
  const other = kit.other();
  const next = await refresh(kit, await kit.login());
  const verdict = await other.resolve(next, LAPTOP);
  if (verdict.kind !== "live") throw new Error(verdict.kind);
  await other.revoke({ kind: "session", id: verdict.session.id }, { reason: "logout" });
  kit.clock.advance(MINUTE);
  expect(await kindOf(kit, next)).toBe("revoked");
});

test("nor when the key that signed it was revoked", async () => {
  using kit = startSessions();
  const token = await refresh(kit, await kit.login());
  await kit.sessions.keys.revoke(kit.sessions.keys.signingKid);
  expect(await kindOf(kit, token)).not.toBe("live");
  expect(await kit.sessions.refresh(token, LAPTOP)).not.toHaveProperty("token");
});

test("nor when it has expired", async () => {
  using kit = startSessions();
  const upstream = { token: "u", expMs: kit.clock.now() + HOUR };
  const token = await refresh(kit, await kit.login({ upstream }));
  kit.clock.advance(HOUR);
  expect(await kindOf(kit, token)).toBe("expired");
});

test("nor in the hands of somebody without the key that its session is bound to", async () => {
  using kit = startSessions();
  const bound = { ...LAPTOP, jkt: "thumbprint-of-the-laptop" };
  const token = await refresh(kit, await kit.login({ jkt: bound.jkt, presenter: bound }), bound);
  expect(await kindOf(kit, token, LAPTOP)).toBe("unproven");
  expect(await kindOf(kit, token, bound)).toBe("live");
});

test("it counts as ever when its session has fallen out of memory", async () => {
  using kit = startSessions({ cacheMax: 4 });
  const token = await refresh(kit, await kit.login());
  for (let at = 0; at < 10; at++) await refresh(kit, await kit.login({ uid: `u${at}` }));
  expect(await kindOf(kit, token)).toBe("live");
});

test("what another process has learnt about a session counts in the next refresh here", async () => {
  using kit = startSessions();
  const other = kit.other();
  const far = { ...NO_DID, address: "198.51.100.40" };
  let token = await kit.login({ presenter: NO_DID });
  const seen: string[] = [];
  // Two networks take turns, each at a process of its own: as many turns as one process would allow.
  for (let turn = 0; turn < 10 && seen.at(-1) !== "revoked"; turn++) {
    const next = await refresh(kit, token, NO_DID);
    seen.push((await other.refresh(token, far)).kind);
    token = next;
  }
  expect(seen).toEqual(["same", "same", "same", "same", "same", "revoked"]);
  expect((await kit.sessions.refresh(token, NO_DID)).kind).toBe("revoked");
});

test("a session whose end was moved by another process ends then", async () => {
  using kit = startSessions();
  const other = kit.other({ limits: { record: { idleMs: 7 * DAY, absoluteMs: 30 * DAY, perRecordMax: 1 } } });
  const token = await refresh(kit, await kit.login());
  await other.open({
    ...{ cid: "pbc_users", uid: "user00000000001", kind: "record", amr: "pwd", presenter: LAPTOP },
    upstream: { token: "u", expMs: kit.clock.now() + DAY },
    authTimeMs: kit.clock.now(),
  });
  expect(await kit.sessions.refresh(token, LAPTOP)).toMatchObject({ kind: "same" });
});
