// The size of a picture is the same however its bytes are cut, and no bytes make it fail.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { PictureSize } from "./pictureSize.ts";

const jpeg = (width: number, height: number, notes: number): Buffer => {
  const frame = Buffer.from([0xff, 0xc2, 0, 17, 8, 0, 0, 0, 0, 3, ...Array.from({ length: 40 }, () => 1)]);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  const note = Buffer.concat([Buffer.from([0xff, 0xe1, 0x12, 0x34]), Buffer.alloc(0x1234 - 2, 0xff)]);
  // Padding before a marker, a marker without a segment, and bytes that belong to none.
  const odd = Buffer.from([0xff, 0xff, 0xff, 0x01, 0, 1, 0xff, 0, 2]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), odd, ...Array.from({ length: notes }, () => note), frame]);
};
const webp = (kind: string, rest: readonly number[]): Buffer =>
  Buffer.concat([
    Buffer.from(`RIFF\x40\0\0\0WEBP${kind}\x0a\0\0\0`, "latin1"),
    Buffer.from(rest),
    Buffer.alloc(32),
  ]);

const VP8L = [...Buffer.from("VP8L\x08\0\0\0", "latin1"), 0x2f, 0xff, 0xc0, 0x03, 0];

const PICTURES: readonly (readonly [name: string, bytes: Buffer, pixels: number | undefined])[] = [
  ["a JPEG behind 40 notes", jpeg(300, 200, 40), 60_000],
  ["a JPEG without notes", jpeg(65_535, 65_535, 0), 65_535 ** 2],
  ["a GIF", Buffer.from("GIF89a\x10\0\x20\0".padEnd(40, "\0"), "latin1"), 512],
  ["a WebP with features", webp("VP8X", [0, 0, 0, 0, 0xff, 0, 0, 0x0f, 0, 0]), 256 * 16],
  ["a WebP without loss", webp("VP8L", [0x2f, 0xff, 0xc0, 0x03, 0]), 256 * 16],
  ["a WebP with loss", webp("VP8 ", [0, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0, 0x20, 0]), 64 * 32],
  ["a WebP of 28 bytes", webp("VP8L", [0x2f, 0xff, 0xc0, 0x03, 0]).subarray(0, 28), 256 * 16],
  ["a WebP that says it is less", webp("VP8X", [...Array.from({ length: 10 }, () => 0), ...VP8L]), 256 * 16],
  ["a WebP behind something else", webp("NONE", [...Array.from({ length: 10 }, () => 0), ...VP8L]), 256 * 16],
  ["words", Buffer.from("no picture at all, but long enough to be one"), undefined],
  ["a JPEG of nothing but markers", Buffer.alloc(2_000_000, 0xff).fill(0xd8, 1, 2), Number.POSITIVE_INFINITY],
  ["a JPEG that ends too soon", jpeg(300, 200, 2).subarray(0, 3_000), undefined],
];

const sizeOf = (bytes: Buffer, cuts: readonly number[]): number | undefined => {
  const size = new PictureSize();
  let at = 0;
  for (const cut of [...cuts.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    size.push(bytes.subarray(at, cut));
    at = cut;
  }
  return size.pixels;
};

test.each(PICTURES)("%s", (_, bytes, pixels) => {
  expect(sizeOf(bytes, [])).toBe(pixels as number);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => sizeOf(bytes, cuts) === pixels),
    { numRuns: 100, seed: 1 },
  );
});

test("no bytes make it fail", () => {
  const start = fc.constantFrom("\xff\xd8", "\xff\xd8\xff", "\x89PNG", "GIF8", "RIFF\0\0\0\0WEBPVP8L", "");
  fc.assert(
    fc.property(
      start,
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.nat(300), { maxLength: 9 }),
      (text, bytes, cuts) => {
        sizeOf(Buffer.concat([Buffer.from(text, "latin1"), bytes]), cuts);
      },
    ),
    { numRuns: 500, seed: 1 },
  );
});
