// Sessions that are bound to a key: without the key's proof a token counts for nothing, and harms nobody.
import { expect, test } from "bun:test";
import { HOUR, LAPTOP, payloadOf, refresh, startSessions, THIEF } from "../../tests/support/sessionKit.ts";

const JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
const OWNER = { ...LAPTOP, jkt: JKT };

test("a bound session says so in its token and counts only for the holder of the key", async () => {
  using kit = startSessions();
  const token = await kit.login({ presenter: OWNER, jkt: JKT });
  expect(payloadOf(token)["cnf"]).toEqual({ jkt: JKT });
  const kinds = async () =>
    Promise.all(
      [LAPTOP, OWNER, { ...LAPTOP, jkt: `${JKT.slice(0, -1)}A` }, OWNER].map(
        async (presenter) => (await kit.sessions.resolve(token, presenter)).kind,
      ),
    );
  expect(await kinds()).toEqual(["unproven", "live", "unproven", "live"]);
  // The same from memory, and after a restart.
  expect(await kinds()).toEqual(["unproven", "live", "unproven", "live"]);
  kit.restart();
  expect(await kinds()).toEqual(["unproven", "live", "unproven", "live"]);
});

test("a refresh keeps the binding, and needs the key", async () => {
  using kit = startSessions();
  const token = await kit.login({ presenter: OWNER, jkt: JKT });
  expect((await kit.sessions.refresh(token, LAPTOP)).kind).toBe("invalid");
  const next = await refresh(kit, token, OWNER);
  expect(payloadOf(next)["cnf"]).toEqual({ jkt: JKT });
  expect((await kit.sessions.resolve(next, LAPTOP)).kind).toBe("unproven");
  expect((await kit.sessions.resolve(next, OWNER)).kind).toBe("live");
});

test("a stale token in the hands of somebody without the key does not end the family", async () => {
  using kit = startSessions();
  const old = await kit.login({ presenter: OWNER, jkt: JKT });
  const current = await refresh(kit, old, OWNER);
  await kit.sessions.resolve(current, OWNER);
  kit.clock.advance(HOUR);
  expect((await kit.sessions.resolve(old, THIEF)).kind).toBe("unproven");
  expect((await kit.sessions.refresh(old, THIEF)).kind).toBe("invalid");
  expect((await kit.sessions.resolve(current, OWNER)).kind).toBe("live");
});

test("an unbound session does not care about proofs", async () => {
  using kit = startSessions();
  const token = await kit.login();
  expect((await kit.sessions.resolve(token, OWNER)).kind).toBe("live");
  expect((await kit.sessions.resolve(token, LAPTOP)).kind).toBe("live");
});

test("a session remembers the app that opened it, whatever kind of app it was", async () => {
  using kit = startSessions();
  const appOf = async (token: string) => {
    const verdict = await kit.sessions.resolve(token, LAPTOP);
    return verdict.kind === "live" ? verdict.session.appId : verdict.kind;
  };
  expect(await appOf(await kit.login({ appId: "mobile" }))).toBe("mobile");
  expect(await appOf(await kit.login({ presenter: { ...LAPTOP, appId: "ssr" } }))).toBe("ssr");
  expect(await appOf(await kit.login())).toBeUndefined();
});

test("where keys are required, records' sessions without one count for nothing and are not opened", async () => {
  using kit = startSessions();
  const plain = await kit.login();
  const root = await kit.login({ kind: "superuser" });
  const key = await kit.login({ kind: "impersonated" });
  const bound = await kit.login({ jkt: JKT });
  kit.restart({ requiresKey: true });
  const kindOf = async (token: string) => (await kit.sessions.resolve(token, OWNER)).kind;
  expect(await Promise.all([plain, root, key, bound].map(kindOf))).toEqual([
    "unproven",
    "live",
    "live",
    "live",
  ]);
  expect((await kit.sessions.refresh(plain, OWNER)).kind).toBe("invalid");
  expect(kit.login()).rejects.toThrow("refused");
  expect(await kindOf(await kit.login({ jkt: JKT }))).toBe("live");
});
