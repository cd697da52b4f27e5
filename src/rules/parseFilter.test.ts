// The parser by examples that a live PocketBase 0.39.1 confirmed, and its laws.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { damaged, filterOf, gibberish, NAMES } from "../../tests/rules/filterTexts.ts";
import { leastCpuMs } from "../../tests/support/cpuTime.ts";
import type { Expression } from "./expression.ts";
import { COMPARISONS_MAX, FILTER_BYTES_MAX, parseFilter, parseRule } from "./parseFilter.ts";
import { printFilter } from "./printFilter.ts";

const printed = (text: string): string | undefined => {
  const parsed = parseFilter(text);
  return parsed.ok ? printFilter(parsed.value) : undefined;
};

const withoutPlaces = (expression: Expression): unknown =>
  JSON.parse(
    JSON.stringify(expression, (key, value) => (key === "start" || key === "end" ? undefined : value)),
  );

describe("parseFilter", () => {
  const accepted: readonly (readonly [string, string])[] = [
    ["a=1", "a = 1"],
    ["a ?!~ 'x' && b>=-.5", 'a ?!~ "x" && b >= -.5'],
    ["a=1 || b=2 && c=3", "a = 1 || b = 2 && c = 3"],
    ["(a=1 || b=2) && c=3", "(a = 1 || b = 2) && c = 3"],
    ["((((a=1))))", "a = 1"],
    ["a=1 && (b=2 && c=3)", "a = 1 && (b = 2 && c = 3)"],
    // A group stands where it stands: joined as the item before it, in place of what was begun.
    ["a=1 (b=2)", "a = 1 && b = 2"],
    ["a=1 || b=2 (c=3)", "a = 1 || b = 2 || c = 3"],
    ["a = (b=1)", "b = 1"],
    ["a (b=1)", "b = 1"],
    ["a=1 // not (me)\n && b='// nor me'", 'a = 1 && b = "// nor me"'],
    ["(a=1 // it's\n && b='x' // y'\n)", 'a = 1 && b = "x"'],
    [`a='it\\'s' && b="say 'hi'"`, `a = "it's" && b = "say 'hi'"`],
    ['a=\'"\' && b="\\"\'"', 'a = \'"\' && b = "\\"\'"'],
    ["geoDistance(lon, lat, 1, -2.5,) < 3", "geoDistance(lon, lat, 1, -2.5) < 3"],
    ["strftime( // c\n'%Y' , f(g(1)))=1", 'strftime("%Y", f(g(1))) = 1'],
    ["@request.auth.id:lower != @collection.x:y.z", "@request.auth.id:lower != @collection.x:y.z"],
    // NUL ends the text between tokens, and is swallowed behind some.
    ["a\0=1", "a = 1"],
    ["a=1 \0&& b=2", "a = 1 && b = 2"],
    ["a='x'\0 not read", 'a = "x"'],
  ];
  for (const [text, canonical] of accepted)
    test(`takes ${JSON.stringify(text)}`, () => expect(printed(text)).toBe(canonical));

  const refused: readonly (readonly [string, number])[] = [
    ["", 0],
    [" ", 1],
    ["// only", 7],
    ["a", 1],
    ["a=", 2],
    ["a=1 &&", 6],
    ["a=1 & b=2", 4],
    ["a=1 b=2", 4],
    ["a == 1", 2],
    ["a=1.", 2],
    ["a=--1", 2],
    ["a=1e5", 3],
    ["a=.5", 2],
    ["a. = 1", 0],
    ["@ = 1", 0],
    ["é = 1", 0],
    ["a\u00a0= 1", 1],
    ["a\r= 1", 1],
    ["a='x", 2],
    ["()", 1],
    ["a=1 && ()", 8],
    ["(a=1", 0],
    ["a=1)", 3],
    ["(a=1 // it's\n)", 10],
    ["(a=1 // x)\n)", 11],
    ["(a=1\0)", 0],
    ["a / b", 2],
    ["f(,1)=1", 2],
    ["f(1 2)=1", 4],
    ["f(1=1", 3],
    ["f(f(f(f(1))))=1", 6],
  ];
  for (const [text, position] of refused)
    test(`refuses ${JSON.stringify(text)} at ${position}`, () => {
      expect(parseFilter(text)).toMatchObject({ ok: false, problem: { position, isCertain: true } });
    });

  test("tells where everything stands", () => {
    const parsed = parseFilter("a=1 || f( b ) != 'c'");
    expect(parsed).toMatchObject({ ok: true, value: { kind: "or", start: 0, end: 20 } });
    if (!parsed.ok || parsed.value.kind === "comparison") throw new Error("an or was expected");
    const [first, second] = parsed.value.parts;
    expect(first).toMatchObject({ start: 0, end: 3, right: { start: 2, end: 3, text: "1" } });
    expect(second).toMatchObject({
      left: { start: 7, end: 13, args: [{ start: 10, end: 11 }] },
      right: { start: 17 },
    });
  });

  test("counts bytes and comparisons as PocketBase does", () => {
    const pair = (count: number): string => Array.from({ length: count }, () => "a=1").join("&&");
    expect(parseFilter(pair(COMPARISONS_MAX)).ok).toBe(true);
    expect(parseFilter(pair(COMPARISONS_MAX + 1)).ok).toBe(false);
    const quoted = (bytes: number): string => `a='${"é".repeat((bytes - 4) / 2)}'`;
    expect(parseFilter(quoted(FILTER_BYTES_MAX)).ok).toBe(true);
    expect(parseFilter(quoted(FILTER_BYTES_MAX + 2)).ok).toBe(false);
    expect(parseRule(quoted(FILTER_BYTES_MAX + 2)).ok).toBe(true);
    // Bytes that were no UTF-8 count once, whatever they were decoded to.
    expect(parseFilter(`a='${"\ufffd".repeat(FILTER_BYTES_MAX - 4)}'`).ok).toBe(true);
  });
});

describe("the filter language", () => {
  const texts = fc.constantFrom(...Object.values(NAMES)).chain((names) => {
    const filters = filterOf(names);
    return fc.oneof(filters, damaged(filters), gibberish, fc.string({ unit: "binary", maxLength: 200 }));
  });

  test("what is printed parses to the same", () => {
    const check = (text: string): void => {
      const parsed = parseRule(text);
      if (!parsed.ok) return;
      const again = parseRule(printFilter(parsed.value));
      expect(again.ok && withoutPlaces(again.value)).toEqual(withoutPlaces(parsed.value));
    };
    fc.assert(fc.property(texts, check), { numRuns: 4_000, seed: 7 });
  });

  test("no text of any kind makes it throw or give a place outside", () => {
    const check = (text: string): void => {
      const parsed = parseFilter(text);
      if (parsed.ok) expect(parsed.value.end).toBeLessThanOrEqual(text.length);
      else expect(parsed.problem.position).toBeLessThanOrEqual(text.length);
    };
    fc.assert(fc.property(texts, check), { numRuns: 4_000, seed: 8 });
  });

  // Texts that invite a parser to look at the same characters again and again.
  const costly: Readonly<Record<string, (n: number) => string>> = {
    "open parentheses": (n) => "(".repeat(n),
    "nested parentheses": (n) => `${"(".repeat(n / 2)}a=1${")".repeat(n / 2)}`,
    "nested groups": (n) => `${"(a=1&&".repeat(n / 8)}a=1${")".repeat(n / 8)}`,
    "quotes in comments within groups": (n) => "(//'\n//'\n".repeat(n / 9),
    "two kinds of quotes in comments": (n) => `${"(//'\"\n".repeat(n / 12)}a=1${"//'\"\n)".repeat(n / 12)}`,
    "groups hidden in texts": (n) => `(//'\n${"(a=1)//'\n//'\n".repeat(n / 14)})`,
    "nested calls": (n) => "f(".repeat(n / 2),
    "a long name": (n) => `${"a.".repeat(n / 2)}b=1`,
    colons: (n) => `a${":".repeat(n)}`,
    backslashes: (n) => `a='${"\\'".repeat(n / 2)}`,
    operators: (n) => "=".repeat(n),
    blanks: (n) => `a=${" ".repeat(n)}`,
    arguments: (n) => `f(${"1,".repeat(n / 2)})=1`,
  };
  for (const [name, make] of Object.entries(costly))
    test(`${name} cost less than 1 ms per KB`, () => {
      const text = make(200_000);
      const mostMs = text.length / 1024;
      expect(leastCpuMs(() => void parseRule(text), mostMs)).toBeLessThan(mostMs);
    });
});
