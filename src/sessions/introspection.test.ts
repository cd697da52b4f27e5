import { expect, test } from "bun:test";
import { DAY, idOf, MINUTE, refresh, startSessions, THIEF } from "../../tests/support/sessionKit.ts";

test("a token counts while a request with it would be served", async () => {
  using kit = startSessions();
  const first = await kit.login();
  const counts = async (token: string): Promise<boolean> =>
    (await kit.sessions.introspect(token)) !== undefined;
  expect(await kit.sessions.introspect(first)).toMatchObject({
    session: { uid: "user00000000001", cid: "pbc_users" },
    issuer: "hapta",
  });
  const second = await refresh(kit, first);
  // Looking confirms nothing: the old token serves without limit until the new one is used.
  for (let at = 0; at < 3; at++) expect(await counts(second)).toBe(true);
  kit.clock.advance(DAY);
  expect([await counts(first), await counts(second)]).toEqual([true, true]);
  await idOf(kit, second);
  kit.clock.advance(2 * MINUTE);
  expect([await counts(first), await counts(second)]).toEqual([false, true]);
  // A superseded token in a server's hands is no replay: the family lives.
  expect(await kit.sessions.resolve(second, THIEF)).toMatchObject({ kind: "live" });
  for (const token of ["", "a.b.c", `${second}x`, second.slice(0, -1)])
    expect(await counts(token)).toBe(false);
});

test("a file token and an ended session count for nothing", async () => {
  using kit = startSessions();
  const token = await kit.login();
  const id = await idOf(kit, token);
  expect(await kit.sessions.introspect(kit.sessions.mintFileToken({ id }) ?? "")).toBeUndefined();
  const other = kit.other();
  await other.revoke({ kind: "session", id }, { reason: "test" });
  expect(await kit.sessions.introspect(token)).toBeUndefined();
});
