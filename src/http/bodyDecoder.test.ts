// Where bodies end, however they are cut into pieces. Attacks on the framing are in tests/adversarial.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createBodyDecoder, type Framing } from "./bodyDecoder.ts";

/** Decodes input that arrives in the given pieces, as a connection would. */
const decode = (framing: Framing, pieces: readonly Uint8Array[]) => {
  const decoder = createBodyDecoder(framing);
  const content: Uint8Array[] = [];
  for (const [i, piece] of pieces.entries()) {
    const { pieces: found, state, rest } = decoder.push(piece);
    content.push(...found);
    if (state === "more") continue;
    const after = Buffer.concat([rest ?? Buffer.alloc(0), ...pieces.slice(i + 1)]).toString("latin1");
    return {
      state,
      content: Buffer.concat(content).toString("latin1"),
      after: state === "done" ? after : "",
    };
  }
  return { state: "more", content: Buffer.concat(content).toString("latin1"), after: "" };
};

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const cutAt = (input: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [0, ...[...cuts].map((cut) => cut % (input.length + 1)).sort((a, b) => a - b), input.length];
  return at.slice(1).map((end, i) => input.subarray(at[i], end));
};

describe("a body with a length", () => {
  test("ends there, and what follows is not its own", () => {
    expect(decode({ kind: "length", length: 3 }, [bytes("abcdef")])).toEqual({
      state: "done",
      content: "abc",
      after: "def",
    });
    expect(decode({ kind: "length", length: 3 }, [bytes("abc")])).toEqual({
      state: "done",
      content: "abc",
      after: "",
    });
    expect(decode({ kind: "length", length: 3 }, [bytes("ab")])).toMatchObject({
      state: "more",
      content: "ab",
    });
    expect(decode({ kind: "length", length: 0 }, [bytes("ab")])).toEqual({
      state: "done",
      content: "",
      after: "ab",
    });
    expect(decode({ kind: "none" }, [bytes("ab")])).toEqual({ state: "done", content: "", after: "ab" });
  });
  test("only a body without framing may end with its connection", () => {
    const kinds: readonly Framing[] = [
      { kind: "close" },
      { kind: "chunked" },
      { kind: "length", length: 1 },
      { kind: "none" },
    ];
    expect(kinds.map((framing) => createBodyDecoder(framing).endsAtClose)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe("a chunked body", () => {
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 40 });
  const encode = (chunks: readonly Uint8Array[], extension: string, trailer: string): Buffer =>
    Buffer.concat([
      ...chunks.flatMap((part) => [
        bytes(`${part.length.toString(16)}${extension}\r\n`),
        Buffer.from(part),
        bytes("\r\n"),
      ]),
      bytes(`0${extension}\r\n${trailer}\r\n`),
    ]);

  test("is the same however it is cut", () => {
    const extension = fc.constantFrom("", ";a", ';a="b c"', ';a;b=c;d="\xff"');
    const trailer = fc.constantFrom("", "X-A: b\r\n", "X-A:\r\nX-B: \xfc\r\n");
    fc.assert(
      fc.property(
        fc.tuple(fc.array(chunk, { maxLength: 6 }), extension, trailer),
        fc.array(fc.nat(), { maxLength: 12 }),
        ([chunks, ext, end], cuts) => {
          const input = Buffer.concat([encode(chunks, ext, end), bytes("NEXT")]);
          const content = Buffer.concat(chunks).toString("latin1");
          expect(decode({ kind: "chunked" }, cutAt(input, cuts))).toEqual({
            state: "done",
            content,
            after: "NEXT",
          });
        },
      ),
    );
  });

  test("a verdict does not depend on the cuts", () => {
    const noise = fc.string({ maxLength: 30, unit: fc.constantFrom(..."05af;xX: \t\r\n\0") });
    fc.assert(
      fc.property(noise, fc.array(fc.nat(), { maxLength: 8 }), (text, cuts) => {
        const whole = decode({ kind: "chunked" }, [bytes(text)]);
        const cut = decode({ kind: "chunked" }, cutAt(bytes(text), cuts));
        expect([cut.state, cut.after]).toEqual([whole.state, whole.after]);
      }),
      { numRuns: 3_000 },
    );
  });

  test("lines and trailers are bounded while they come, not when they end", () => {
    expect(decode({ kind: "chunked" }, [bytes(`5;${"x".repeat(5_000)}`)]).state).toBe("invalid");
    expect(decode({ kind: "chunked" }, [bytes(`0\r\nX: ${"x".repeat(5_000)}`)]).state).toBe("invalid");
    expect(decode({ kind: "chunked" }, [bytes(`0\r\n${"X: y\r\n".repeat(1_000)}`)]).state).toBe("invalid");
  });

  test("a size of 13 digits is the largest", () => {
    expect(decode({ kind: "chunked" }, [bytes("fffffffffffff\r\n")]).state).toBe("more");
    expect(decode({ kind: "chunked" }, [bytes("10000000000000\r\n")]).state).toBe("invalid");
  });
});
