// One spelling per path.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { canonicalPath } from "./path.ts";

const pathOf = (raw: string): string => {
  const canonical = canonicalPath(raw);
  return canonical.kind === "path" ? canonical.path : canonical.kind;
};

describe("canonicalPath", () => {
  test.each([
    ["/", "/"],
    ["/api/users", "/api/users"],
    ["/us%65rs/%7ea%2Db", "/users/~a-b"],
    ["/a%c3%bc%20b", "/a%C3%BC%20b"],
    ["/%25", "/%25"],
    ["/%2565", "/%2565"],
    ["/a/", "/a/"],
    ["/.a/..b/a..", "/.a/..b/a.."],
    ["/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,="],
  ])("%p is %p", (raw, path) => expect(pathOf(raw)).toBe(path));

  test.each(["//", "/a//b", "/.", "/..", "/a/./b", "/a/..", "/%2e", "/%2E%2e/a", "/a/.%2e", "//a"])(
    "%p names nothing",
    (raw) => {
      expect(pathOf(raw)).toBe("noncanonical");
    },
  );

  test.each([
    "",
    "a",
    "*",
    "http://a/",
    "/%",
    "/%4",
    "/%zz",
    "/%2f",
    "/%5C",
    "/%00",
    "/%7f",
    "/%0a",
    "/;",
    "/%3b",
    "/a b",
    "/ü",
    "/a#b",
    "/a?b",
    '/"',
    "/\\",
    "/[",
    "/^",
    "/{",
    "/|",
  ])("%p is invalid", (raw) => expect(pathOf(raw)).toBe("invalid"));

  test("is idempotent, and its segments are its path", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."/a.%25eE2fF~_-:;@ \\"), maxLength: 20 }), (text) => {
        const first = canonicalPath(`/${text}`);
        if (first.kind !== "path") return;
        expect(canonicalPath(first.path)).toEqual(first);
        expect(`/${first.segments.join("/")}`).toBe(first.path);
        for (const segment of first.segments)
          expect(decodeURIComponent(segment.replaceAll(/%[89A-F]./g, "x"))).not.toMatch(/[/\\;]|^\.{1,2}$/);
      }),
      { numRuns: 3_000 },
    );
  });
});
