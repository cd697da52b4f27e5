// The strict reader against JSON.parse, and what only it refuses.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { leastCpuMs } from "../../tests/support/cpuTime.ts";
import { foldMemberName, type JsonNode, parseStrictJson } from "./strictJson.ts";

const parse = (text: string) => parseStrictJson(Buffer.from(text));

/** The value a node stands for. */
const meaningOf = (node: JsonNode): unknown => {
  if (node.members !== undefined)
    return Object.fromEntries([...node.members].map(([name, member]) => [name, meaningOf(member)]));
  if (node.elements !== undefined) return node.elements.map(meaningOf);
  return node.string ?? JSON.parse(node.text);
};

describe("parseStrictJson", () => {
  test("reads what JSON.parse reads, with the text of every value", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom("", " ", "\n\t\r "), (json, blank) => {
        const value: unknown = JSON.parse(json);
        const spaced = `${blank}${JSON.stringify(value, null, blank === "" ? 0 : 2)}${blank}`;
        const result = parse(spaced);
        if (!result.ok) {
          expect(result.reason).toMatch(/surrogate/);
          return;
        }
        expect(JSON.parse(result.node.text)).toEqual(value);
        if (!json.includes("__proto__")) expect(meaningOf(result.node)).toEqual(value);
      }),
    );
  });

  test("accepts nothing that JSON.parse refuses", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 20, unit: fc.constantFrom(...'{}[]":,\\ \n0123456789.eE+-truefalsn\u0000u') }),
        (text) => {
          let isJson = true;
          try {
            JSON.parse(text);
          } catch {
            isJson = false;
          }
          if (!isJson) expect(parse(text).ok).toBe(false);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("numbers keep their digits", () => {
    const result = parse("[1e400, 12345678901234567890, -0, 1.10]");
    expect(result.ok && result.node.elements?.map(({ text }) => text)).toEqual([
      "1e400",
      "12345678901234567890",
      "-0",
      "1.10",
    ]);
  });

  test.each([
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"x":{"b":1,"b":1}}',
    '[{"a":1,"a":1}]',
    '{"__proto__":1,"__proto__":2}',
    '"\\ud800"',
    '{"\\udfff":1}',
    "\ufeff{}",
    "{} {}",
    "",
    " ",
    "nul",
  ])("refuses %p", (text) => expect(parse(text).ok).toBe(false));

  test("a member called __proto__ is a member", () => {
    const result = parse('{"__proto__":{"x":1},"constructor":2}');
    expect(result.ok && [...(result.node.members?.keys() ?? [])]).toEqual(["__proto__", "constructor"]);
  });

  test("bounds hold, at the bound and past it", () => {
    const limits = { depthMax: 3, membersMax: 3, valuesMax: 10 };
    const under = (text: string): boolean => parseStrictJson(Buffer.from(text), limits).ok;
    expect([under("[[[]]]"), under("[[[[]]]]")]).toEqual([true, false]);
    expect([under('{"a":1,"b":1,"c":1}'), under('{"a":1,"b":1,"c":1,"d":1}')]).toEqual([true, false]);
    expect([under("[1,1,1,1,1,1,1,1,1]"), under("[1,1,1,1,1,1,1,1,1,1,1]")]).toEqual([true, false]);
  });

  test("strings of escapes end where they end, however many there are", () => {
    const inside = fc.array(fc.constantFrom('\\"', "\\\\", "\\n", "x".repeat(700), "é", "\\u0061"), {
      maxLength: 20,
    });
    const text = fc
      .tuple(inside, fc.nat(1_500))
      .map(([units, count]) => units.join("") + '\\"'.repeat(count));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), (texts) => {
        const json = `[${texts.map((one) => `"${one}"`).join()}]`;
        const result = parse(json);
        if (!result.ok) throw new Error(result.reason);
        expect(result.node.elements?.map((one) => one.text)).toEqual(texts.map((one) => `"${one}"`));
        expect(result.value).toEqual(JSON.parse(json));
      }),
      { numRuns: 100 },
    );
  });

  test("a long string of escapes costs a few times what reading it takes", () => {
    for (const unit of ['\\"', "\\\\", "\\u0061", "x"]) {
      const json = `{"a":"${unit.repeat(3_000_000 / unit.length)}"}`;
      const bytes = Buffer.from(json);
      const readMs = leastCpuMs(() => JSON.parse(bytes.toString("utf8")), 0);
      const most = 8 * readMs + 10;
      expect([unit, leastCpuMs(() => parseStrictJson(bytes), most) <= most]).toEqual([unit, true]);
    }
  });

  test("hostile documents are refused fast and never throw", () => {
    const hostile = [
      "[".repeat(1_000_000),
      '{"a":'.repeat(200_000),
      `"${"\\u0000".repeat(150_000)}`,
      `${"[".repeat(500_000)}${"]".repeat(500_000)}`,
      `[${"1,".repeat(400_000)}1]`,
    ];
    const work = (): void => {
      for (const text of hostile) expect(parse(text).ok).toBe(false);
    };
    expect(leastCpuMs(work, 1_500)).toBeLessThan(1_500);
  });
});

test("folds names as Go does: every pair that Go takes for one", () => {
  const pairs = [
    ["clientId", "CLIENTID"],
    ["subscriptions", "\u017fub\u017fcriptions"],
    ["token", "to\u212aen"],
    ["TO\u212aEN", "token"],
  ];
  for (const [one, other] of pairs) expect(foldMemberName(one ?? "")).toBe(foldMemberName(other ?? ""));
  expect(foldMemberName("a_b")).not.toBe(foldMemberName("ab"));
  expect(foldMemberName("\u0131d")).not.toBe(foldMemberName("id"));
});
