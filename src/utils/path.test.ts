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

  test("every escape is refused, is the character it stands for, or stays as it is in capitals", () => {
    for (let code = 0; code < 256; code++) {
      const escaped = `%${code.toString(16).padStart(2, "0")}`;
      const character = String.fromCharCode(code);
      const path = pathOf(`/x${escaped}`);
      expect(pathOf(`/x${escaped.toUpperCase()}`)).toBe(path);
      if (code < 0x20 || code === 0x7f || "/\\;".includes(character)) expect(path).toBe("invalid");
      else expect(path).toBe(/[\w.~-]/.test(character) ? `/x${character}` : `/x${escaped.toUpperCase()}`);
    }
  });

  // What a path is made of, spelled in every way: plain characters, escapes of any byte, and escapes of escapes.
  const PIECE = fc.oneof(
    fc.constantFrom(..."/a.%25eE2fF~_-:;@ \\", "%2e", "%2E", "%252e", "%25"),
    fc.integer({ min: 0, max: 255 }).map((code) => `%${code.toString(16).padStart(2, "0")}`),
  );

  test("is idempotent, and its segments are its path", () => {
    fc.assert(
      fc.property(fc.array(PIECE, { maxLength: 20 }), (pieces) => {
        const first = canonicalPath(`/${pieces.join("")}`);
        if (first.kind !== "path") return;
        expect(canonicalPath(first.path)).toEqual(first);
        expect(`/${first.segments.join("/")}`).toBe(first.path);
        for (const segment of first.segments)
          expect(decodeURIComponent(segment.replaceAll(/%[89A-F]./g, "x"))).not.toMatch(/[/\\;]|^\.{1,2}$/);
      }),
      { numRuns: 20_000 },
    );
  });
});
