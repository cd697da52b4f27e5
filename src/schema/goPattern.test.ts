// Patterns of Go's regexp: what they match, and that none takes long.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { toPatternTest } from "./goPattern.ts";

describe("toPatternTest", () => {
  test("matches as Go does", () => {
    const rows: readonly [string, readonly string[], readonly string[]][] = [
      ["^[a-z0-9]+(?:-[a-z0-9]+)*$", ["a", "a-b", "a1-b2-c3"], ["", "-a", "a--b", "a-", "A"]],
      ["(?i)^ab\\z", ["ab", "AB", "aB"], ["abc", "xab", "ab\n"]],
      ["^(red|green|)$", ["red", "green", ""], ["blue", "redgreen"]],
      ["b+", ["b", "abba"], ["a", ""]],
      ["^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]],
      ["^a{2,}b?$", ["aa", "aaaab"], ["a", "aabb"]],
      ["^[^\\s\\d]+$", ["ab\u00a0"], ["a b", "a1"]],
      ["^\\w+@\\w+\\.[a-z]{2,}$", ["a@b.co"], ["a@b.c", "ä@b.co"]],
      ["^.$", ["a", "\u{1f600}", "\r"], ["\n", "ab"]],
      ["(?s)^.$", ["\n"], ["ab"]],
      ["^[[:alpha:]_]\\b-\\B$", ["a-"], ["1-", "-"]],
      ["^(a(b(?i:c)d)?e)+$", ["ae", "abCde", "abcdeae"], ["aBcde", "abcd"]],
      ["^[\\x41-\\x{43}\\]\\-]*$", ["ABC]-", ""], ["D", "a"]],
      ["(?i)^[^a]$", ["b"], ["a", "A"]],
      ["^(?P<year>\\d{4})|x$", ["2024-", "ax"], ["202"]],
      ["^(a|b|ab)*$", ["", "abab", "ba"], ["abc"]],
    ];
    for (const [pattern, yes, no] of rows) {
      const matches = toPatternTest(pattern);
      for (const text of yes) expect([pattern, text, matches(text)]).toEqual([pattern, text, true]);
      for (const text of no) expect([pattern, text, matches(text)]).toEqual([pattern, text, false]);
    }
  });

  test("leaves alone what it does not know for certain", () => {
    const unread = [
      "\\p{L}",
      "(?m)^a$",
      "a**",
      "(",
      "[b-a]",
      "\\1",
      "a{2",
      "(?=a)",
      "\\Qa.b\\E",
      "a{1001}",
      "\\x4",
    ];
    for (const pattern of unread)
      expect([pattern, toPatternTest(pattern)("a")]).toEqual([pattern, undefined]);
    // Which letters are each other's other case is a matter of Unicode's version.
    expect(toPatternTest("(?i)^a$")("\u212a")).toBeUndefined();
  });

  test("agrees with JavaScript where both mean the same", () => {
    const piece = fc.constantFrom(
      "a",
      "b",
      "[ab]",
      "[^a]",
      ".",
      "(?:a|b)",
      "(ab?)",
      "\\w",
      "\\d",
      "a|b",
      "^",
      "$",
      "\\b",
    );
    const repeat = fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,2}", "*?");
    const drawn = fc
      .array(fc.tuple(piece, repeat), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.map(([one, many]) => (/^[|^$]|\|b$|b$/.test(one) ? one : one + many)).join(""));
    fc.assert(
      fc.property(drawn, fc.string({ unit: fc.constantFrom("a", "b", "1", "-", "\n") }), (pattern, text) => {
        const expected = new RegExp(pattern, "u").test(text);
        // `.` is any character but the line break, and only that.
        expect([pattern, text, toPatternTest(pattern)(text)]).toEqual([pattern, text, expected]);
      }),
      { numRuns: 1_000, seed: 9 },
    );
  });

  test("takes no longer for patterns that are made to take long", () => {
    for (const pattern of ["^(a+)+$", "^(a|a)*$", "^(a*)*b$", "(a{1,30}){1,30}$", "^(([a-z])+.)+[A-Z]$"]) {
      const matches = toPatternTest(pattern);
      const before = process.cpuUsage();
      matches(`${"a".repeat(5_000)}!`);
      matches(`${"a".repeat(100)}!`);
      expect([pattern, process.cpuUsage(before).user < 100_000]).toEqual([pattern, true]);
    }
  });
});
