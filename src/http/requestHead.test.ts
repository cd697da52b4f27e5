// What a request head says. Ambiguous ones are in tests/adversarial, where they are sent for real.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseRequestHead } from "./requestHead.ts";

const parse = (...lines: readonly string[]) => {
  const result = parseRequestHead(lines.join("\r\n"));
  if (!result.ok) return result.reason;
  const { names, values, ...rest } = result.head;
  return { ...rest, fields: names.map(({ text }, i) => [text, values[i]]) };
};

describe("parseRequestHead", () => {
  test("keeps spelling, order and duplicates, trims blanks and tabs only", () => {
    expect(parse("POST /a?b=c HTTP/1.1", "Host:a", "X-a: \t b \xa0\t", "x-A:", "Content-Length: 05")).toEqual(
      {
        method: "POST",
        target: "/a?b=c",
        minor: 1,
        framing: { kind: "length", length: 5 },
        keepsAlive: true,
        expectsContinue: false,
        fields: [
          ["Host", "a"],
          ["X-a", "b \xa0"],
          ["x-A", ""],
          ["Content-Length", "05"],
        ],
      },
    );
  });

  test.each(["0", "00", "000000000000000"])("Content-Length %s is no body", (length) => {
    expect(parse("POST / HTTP/1.1", `Content-Length: ${length}`)).toMatchObject({
      framing: { kind: "none" },
    });
  });

  test.each([
    ["HTTP/1.1", "", true],
    ["HTTP/1.1", "keep-alive", true],
    ["HTTP/1.1", "close", false],
    ["HTTP/1.1", "x, CLOSE", false],
    ["HTTP/1.1", "closed", true],
    ["HTTP/1.0", "keep-alive", false],
  ] as const)("%s with Connection %p", (...[version, connection, keepsAlive]) => {
    expect(parse(`GET / ${version}`, `Connection: ${connection}`)).toMatchObject({ keepsAlive });
  });

  test("expects a continue only in HTTP/1.1", () => {
    expect(parse("PUT / HTTP/1.1", "Expect: 100-Continue")).toMatchObject({ expectsContinue: true });
    expect(parse("PUT / HTTP/1.0", "Expect: 100-continue")).toMatchObject({ expectsContinue: false });
  });

  test("takes 128 fields, not 129", () => {
    expect(parse("GET / HTTP/1.1", ...Array(128).fill("X: y"))).toBeObject();
    expect(parse("GET / HTTP/1.1", ...Array(129).fill("X: y"))).toBe("too_large");
  });

  test("never throws, and what it accepts can be written down again without a second meaning", () => {
    const noise = fc.string({
      maxLength: 60,
      unit: fc.constantFrom(..."GET /HTP1.:\r\n \t\0aZ-\x7f\x80\xff"),
    });
    fc.assert(
      fc.property(noise, (text) => {
        const result = parseRequestHead(`GET / HTTP/1.1\r\n${text}`);
        if (!result.ok) return;
        const { names, values } = result.head;
        const again = parseRequestHead(
          ["GET / HTTP/1.1", ...names.map(({ text: name }, i) => `${name}: ${values[i]}`)].join("\r\n"),
        );
        expect(again.ok && again.head.values).toEqual(values);
      }),
      { numRuns: 3_000 },
    );
  });
});
