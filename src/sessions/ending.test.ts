import { describe, expect, test } from "bun:test";
import {
  DAY,
  HOUR,
  idOf,
  kindOf,
  LAPTOP,
  MINUTE,
  refresh,
  SECOND,
  startSessions,
} from "../../tests/support/sessionKit.ts";
import { SUPERUSERS_ID } from "../pocketbase/routes.ts";
import type { Ended } from "./sessionContext.ts";

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

  test("a superuser's login that PocketBase takes no more takes along what was made with it; one that ran out does not", async () => {
    using kit = startSessions();
    const superuser = { cid: SUPERUSERS_ID, kind: "superuser" } as const;
    const start = async (uid: string) => {
      const own = await kit.login({ ...superuser, uid });
      const made = await kit.login({ kind: "impersonated", maker: uid });
      return { id: await idOf(kit, own), own, made };
    };
    const [lost, ended, late] = [await start("root1"), await start("root2"), await start("root3")];
    const reason = { reason: "upstream_rejected" };
    expect(await kit.sessions.revoke({ kind: "login", id: lost.id }, reason)).toBe(2);
    expect(await kit.sessions.revoke({ kind: "session", id: ended.id }, { reason: "logout" })).toBe(1);
    expect([await kindOf(kit, lost.made), await kindOf(kit, ended.made)]).toEqual(["revoked", "live"]);
    expect(await kit.sessions.revoke({ kind: "made", uid: "root2" }, reason)).toBe(1);
    expect(await kindOf(kit, ended.made)).toBe("revoked");
    kit.clock.advance(6 * DAY);
    expect(await kit.sessions.revoke({ kind: "login", id: late.id }, reason)).toBe(1);
    expect(kit.sessions.events({ type: "session_revoked" })).toHaveLength(5);
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
