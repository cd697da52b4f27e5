// What the writer puts down, the parser takes up unchanged.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { multipartCodec } from "./codec.ts";
import type { PartInfo } from "./partHeaders.ts";

const oneLine = (text: string): boolean => !/\p{Cc}/u.test(text) && text.isWellFormed();
const name = fc
  .string({
    unit: fc.constantFrom('"', "\\", "%22", ";", "=", "[0]", "a", " ", "é", "日", "😀", "/", ".."),
    minLength: 1,
  })
  .filter(oneLine);
const parts = fc.array(
  fc.record(
    {
      name,
      filename: fc.option(name, { nil: "" }),
      contentType: fc.constantFrom("a/b", 'text/x; charset="q"'),
      data: fc.uint8Array(),
    },
    { requiredKeys: ["name", "data"] },
  ),
  { maxLength: 6 },
);

describe("createMultipartWriter", () => {
  test("createMultipartWriter writes what the parser reads back", () => {
    fc.assert(
      fc.property(parts, (written) => {
        const writer = multipartCodec.createWriter();
        const pieces: Uint8Array[] = [];
        for (const { data, ...info } of written) pieces.push(writer.partStart(info), data, writer.partEnd());
        pieces.push(writer.end());
        const read: { info: PartInfo; data: Uint8Array[] }[] = [];
        const parser = multipartCodec.createParser(multipartCodec.readBoundary(writer.contentType), {
          part: (info) => read.push({ info, data: [] }),
          data: (chunk) => read.at(-1)?.data.push(chunk),
          partEnd: () => undefined,
          end: () => undefined,
        });
        parser.push(Buffer.concat(pieces));
        parser.finish();
        const expected = written.map(({ data, ...info }) => ({
          info,
          data: Buffer.from(data).toString("hex"),
        }));
        expect(read.map(({ info, data }) => ({ info, data: Buffer.concat(data).toString("hex") }))).toEqual(
          expected,
        );
      }),
      { numRuns: 300 },
    );
  });

  test("createMultipartWriter takes a boundary that was never used", () => {
    const types = new Set(Array.from({ length: 100 }, () => multipartCodec.createWriter().contentType));
    expect(types.size).toBe(100);
  });

  for (const bad of ["a\r\nX: y", "a\n", "a\0", "a\u0085", "\ud800"]) {
    test(`createMultipartWriter refuses ${JSON.stringify(bad)}`, () => {
      const writer = multipartCodec.createWriter();
      expect(() => writer.partStart({ name: bad })).toThrow(TypeError);
      expect(() => writer.partStart({ name: "a", filename: bad })).toThrow(TypeError);
      expect(() => writer.partStart({ name: "a", contentType: bad })).toThrow(TypeError);
    });
  }
});
