import { expect, test } from "bun:test";
import { clearSessionCookie, readSessionCookie, renderSessionCookie } from "./sessionCookie.ts";

const TOKEN = "eyJh.eyJp-_.c2ln";

test("renderSessionCookie names the host alone over https", () => {
  const cookie = { token: TOKEN, maxAgeSeconds: 60.9, sameSite: "lax" } as const;
  expect(renderSessionCookie({ ...cookie, isSecure: true })).toBe(
    `__Host-hapta_session=${TOKEN}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure`,
  );
  expect(renderSessionCookie({ ...cookie, isSecure: false, sameSite: "strict" })).toBe(
    `hapta_session=${TOKEN}; Path=/; Max-Age=60; HttpOnly; SameSite=Strict`,
  );
  for (const token of ["", "a.b", "a.b.c; Domain=evil.example", "a.b.c\r\nX: y", `a.b.${"c".repeat(1024)}`])
    expect(() => renderSessionCookie({ ...cookie, token, isSecure: true })).toThrow(RangeError);
});

test("clearSessionCookie ends it under the same name", () => {
  expect(clearSessionCookie({ isSecure: true, sameSite: "lax" })).toBe(
    "__Host-hapta_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure",
  );
});

test("readSessionCookie reads one well-formed token under the name that fits the connection", () => {
  expect(readSessionCookie(`a=1; hapta_session=${TOKEN}`, false)).toBe(TOKEN);
  expect(readSessionCookie(`__Host-hapta_session=${TOKEN}`, true)).toBe(TOKEN);
  // A plain cookie may come from a sister host; over https it counts for nothing.
  expect(readSessionCookie(`hapta_session=${TOKEN}`, true)).toBeUndefined();
  const bad = [undefined, "", "a=1", `hapta_session=${TOKEN}; hapta_session=${TOKEN}`, "hapta_session="];
  for (const cookie of [
    ...bad,
    `hapta_session="${TOKEN}"`,
    "hapta_session=a.b",
    `hapta_session=a.${"b".repeat(2000)}.c`,
  ])
    expect(readSessionCookie(cookie, false)).toBeUndefined();
});
