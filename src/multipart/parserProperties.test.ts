// The parser against any way of cutting a body into chunks, against mutated bodies and noise, and what the dearest bodies cost.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { leastCpuMs } from "../../tests/support/cpuTime.ts";
import { DISPOSITION, END, field, part, read, readText } from "../../tests/support/multipartKit.ts";
import type { MultipartFault } from "./multipartError.ts";
import { MultipartParser } from "./parser.ts";

// Bytes that are all pieces of delimiters, so that nearly every position is a near miss.
const nearMiss = fc.array(fc.constantFrom("\r", "\n", "\r\n", "-", "--", "B", "--B", "\r\n--B", "b", "\0"), {
  maxLength: 40,
});
const nameText = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  .filter((s) => !/[\p{Cc}\p{Cs}"\\\u2028\u2029]/u.test(s));
const honestBody = fc
  .array(
    fc.record({ name: nameText, isFile: fc.boolean(), data: nearMiss.map((pieces) => pieces.join("")) }),
    { maxLength: 5 },
  )
  .filter((parts) => parts.every(({ data }) => !`\r\n${data}\r\n`.includes("--BB")))
  .map(
    (parts) =>
      parts
        .map(({ name, isFile, data }) =>
          part(`${DISPOSITION} name="${name}"${isFile ? '; filename="f"\r\nContent-Type: a/b' : ""}`, data),
        )
        .join("") + END,
  );

const cut = (bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const points = [...new Set(cuts.map((point) => point % (bytes.length + 1)))].sort((a, b) => a - b);
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (const to of [...points, bytes.length]) {
    chunks.push(bytes.subarray(from, to));
    from = to;
  }
  return chunks;
};

describe("MultipartParser properties", () => {
  test("MultipartParser gives the same events for any cut of a valid body", () => {
    fc.assert(
      fc.property(honestBody, fc.array(fc.nat(5000), { maxLength: 30 }), (body, cuts) => {
        const whole = readText(body);
        expect(whole.fault).toBeUndefined();
        expect(read(cut(Buffer.from(body), cuts))).toEqual(whole);
      }),
      { numRuns: 400 },
    );
  });

  test("MultipartParser gives the same outcome for any cut of a mutated body, and never crashes", () => {
    const mutation = fc.record({
      at: fc.nat(5000),
      drop: fc.nat(6),
      insert: nearMiss.map((pieces) => pieces.slice(0, 4).join("")),
    });
    fc.assert(
      fc.property(
        honestBody,
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(5000), { maxLength: 20 }),
        (body, mutations, cuts) => {
          let mutated = body;
          for (const { at, drop, insert } of mutations) {
            const start = at % (mutated.length + 1);
            mutated = mutated.slice(0, start) + insert + mutated.slice(start + drop);
          }
          const bytes = Buffer.from(mutated);
          const whole = read([bytes]);
          const pieces = read(cut(bytes, cuts));
          expect([pieces.fault, pieces.isEnded]).toEqual([whole.fault, whole.isEnded]);
        },
      ),
      { numRuns: 600 },
    );
  });

  test("MultipartParser never crashes on random bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (chunks) => {
        expect(read([Buffer.from(`--BB\r\n${DISPOSITION} name="a"\r\n\r\n`), ...chunks]).isEnded).toBe(false);
        read(chunks);
      }),
      { numRuns: 300 },
    );
  });
});

describe("MultipartParser cost", () => {
  const N = 10_000_000;
  const opening = Buffer.from(`--${"-".repeat(35)}a${"-".repeat(34)}\r\n${DISPOSITION} name="a"\r\n\r\n`);
  const boundary = `${"-".repeat(35)}a${"-".repeat(34)}`;
  const hostile: readonly (readonly [string, Buffer])[] = [
    ["dashes", Buffer.alloc(N, "-")],
    ["almost the boundary", Buffer.alloc(N, `\r\n${"-".repeat(36)}a${"-".repeat(30)}x`)],
    ["short runs of dashes", Buffer.alloc(N, `${"-".repeat(35)}a`)],
    ["line ends", Buffer.alloc(N, "\r\n")],
    ["starts of the boundary", Buffer.alloc(N, "\r\n--")],
  ];
  for (const [what, data] of hostile) {
    test(`UP8 MultipartParser reads 10 MB of ${what} in 64 KiB chunks within 150 ms`, () => {
      const chunks: Uint8Array[] = [opening];
      for (let at = 0; at < N; at += 65_536) chunks.push(data.subarray(at, at + 65_536));
      let bytes = 0;
      const parse = (): void => {
        bytes = 0;
        const parser = new MultipartParser(boundary, {
          part: () => undefined,
          data: (chunk) => {
            bytes += chunk.length;
          },
          partEnd: () => undefined,
          end: () => undefined,
        });
        for (const chunk of chunks) parser.push(chunk);
      };
      expect(leastCpuMs(parse, 150)).toBeLessThan(150);
      expect(bytes).toBeGreaterThan(N - 100);
    });
  }

  const early: readonly (readonly [string, Buffer, MultipartFault | undefined])[] = [
    ["10^5 parts", Buffer.from(field("a", "x").repeat(100_000)), "limit"],
    [
      "10^6 fields without data",
      Buffer.from(`--BB\r\n${DISPOSITION} name=a\r\n\r\n\r\n`.repeat(1_000_000)),
      "limit",
    ],
    ["a 10 MB header", Buffer.from(`--BB\r\n${DISPOSITION} name="${"a".repeat(N)}`), "limit"],
    [
      "100 headers of blanks",
      Buffer.from(part(`${DISPOSITION} name="a"\r\nX:${" ".repeat(3900)}x`, "").repeat(100) + END),
      undefined,
    ],
  ];
  for (const [what, body, fault] of early) {
    test(`UP8 MultipartParser settles ${what} within 50 ms`, () => {
      expect(leastCpuMs(() => read([body]), 50)).toBeLessThan(50);
      expect(read([body])).toEqual(
        expect.objectContaining(fault === undefined ? { isEnded: true } : { fault }),
      );
    });
  }

  test("MultipartParser takes linear time byte by byte", () => {
    const bytes = Buffer.from(field("a", "\r\n--B-".repeat(20_000)) + END);
    const pieces = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(leastCpuMs(() => read(pieces), 2_000)).toBeLessThan(2_000);
    expect(read(pieces).fault).toBeUndefined();
  });
});
