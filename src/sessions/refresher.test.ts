import { describe, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { createScratch } from "../../tests/support/scratch.ts";
import {
  DAY,
  HOUR,
  idOf,
  kindOf,
  LAPTOP,
  MINUTE,
  NO_DID,
  payloadOf,
  refresh,
  SECOND,
  startSessions,
  THIEF,
  UPSTREAM,
} from "../../tests/support/sessionKit.ts";
import type { Presenter } from "./device.ts";
import type { Ended } from "./sessionContext.ts";

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

  test("RT10: a logout that races a refresh leaves no usable token, in 1 000 interleavings", async () => {
    using kit = startSessions({ limits: { record: { idleMs: DAY, absoluteMs: DAY, perRecordMax: 400 } } });
    for (let round = 0; round < 1_000; round++) {
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
    await kit.sessions.record({ type: "authn_fail" });
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

  test("a refresh that PocketBase was not asked for promises no more than its last token has left", async () => {
    using kit = startSessions();
    const token = await kit.login();
    const upstreamExpMs = kit.clock.now() + HOUR;
    const asked = await kit.sessions.refresh(token, LAPTOP, { token: UPSTREAM, expMs: upstreamExpMs });
    kit.clock.advance(MINUTE);
    const next = await refresh(kit, "token" in asked ? asked.token : "");
    expect(payloadOf(next)).toMatchObject({ gen: 3, exp: upstreamExpMs / 1000 });
  });

  test("PocketBase's word counts for the session it was about, for a while and not longer than a tenth of a token", async () => {
    using kit = startSessions();
    const session = { id: await idOf(kit, await kit.login()) };
    const other = { id: await idOf(kit, await kit.login()) };
    const nowMs = kit.clock.monotonic();
    const question = { sinceMs: nowMs - 5, withinMs: MINUTE };
    expect(kit.sessions.wasAsked(session, question)).toBe(false);
    kit.sessions.noteAsked(session, nowMs);
    expect(kit.sessions.wasAsked(session, question)).toBe(true);
    expect(kit.sessions.wasAsked(other, question)).toBe(false);
    expect(kit.sessions.wasAsked(session, { ...question, sinceMs: nowMs + 1 })).toBe(false);
    kit.clock.advance(MINUTE);
    expect(kit.sessions.wasAsked(session, question)).toBe(true);
    kit.clock.advance(1);
    expect(kit.sessions.wasAsked(session, question)).toBe(false);
  });

  test("of a token that lasts ten seconds, PocketBase's word counts for one", async () => {
    using kit = startSessions();
    const token = await kit.login({ upstream: { token: UPSTREAM, expMs: kit.clock.now() + 10 * SECOND } });
    const session = { id: await idOf(kit, token) };
    const question = { sinceMs: 0, withinMs: MINUTE };
    kit.sessions.noteAsked(session, kit.clock.monotonic());
    kit.clock.advance(SECOND);
    expect(kit.sessions.wasAsked(session, question)).toBe(true);
    kit.clock.advance(1);
    expect(kit.sessions.wasAsked(session, question)).toBe(false);
  });
});
