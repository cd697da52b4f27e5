import { expect, test } from "bun:test";
import fc from "fast-check";
import { readCookie, renderCookie, withoutOwnCookies } from "./cookies.ts";

test("readCookie finds one cookie among others, by its exact name", () => {
  const cookie = "a=1;b = x=y ; hapta=2; Hapta=3; not_hapta=4; empty=; bare";
  expect(["a", "b", "hapta", "empty"].map((name) => readCookie(cookie, name))).toEqual(["1", "x=y", "2", ""]);
  expect(["c", "bare", "pta", "not"].map((name) => readCookie(cookie, name))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("readCookie believes none of two", () => {
  for (const twice of ["s=1; s=2", "s=1;s=1", "s=1; s", "s =1; s=2"])
    expect(readCookie(twice, "s")).toBeUndefined();
});

test("readCookie reads as one does who splits at every semicolon", () => {
  const naive = (cookie: string): string | undefined => {
    const pairs = cookie.split(";").map((pair) => pair.split(/=(.*)/s).map((part) => part.trim()));
    const found = pairs.filter(([name]) => name === "sid");
    return found.length === 1 ? found[0]?.[1] : undefined;
  };
  const piece = fc.constantFrom("sid", "xsid", "sidx", "=", ";", " ", "\t", "a", "sid=1", "; ", "==");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const cookie = pieces.join("");
      expect(readCookie(cookie, "sid")).toBe(naive(cookie));
    }),
    { numRuns: 2_000 },
  );
});

test("withoutOwnCookies takes out what is Hapta's and leaves the rest as it is", () => {
  const own =
    "hapta_session=a.b.c; hapta_did=x;__Host-hapta_session=a.b.c; __Host-hapta_did; __Secure-hapta_x=1";
  expect(withoutOwnCookies(own)).toBe("");
  expect(withoutOwnCookies(`theme="dark";; ${own};b ; not_hapta_x=1; c=hapta_did=2`)).toBe(
    'theme="dark"; b; not_hapta_x=1; c=hapta_did=2',
  );
  expect(withoutOwnCookies("a=1;b=2 ;")).toBe("a=1;b=2 ;");
});

test("renderCookie keeps scripts and other hosts out", () => {
  const rules = { maxAgeSeconds: 60, isSecure: true, sameSite: "Strict" } as const;
  expect(renderCookie("a", "b", rules)).toBe("a=b; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure");
  expect(renderCookie("a", "", { maxAgeSeconds: 0, isSecure: false, sameSite: "Lax" })).toBe(
    "a=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
  );
});
