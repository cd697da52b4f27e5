// Held bytes come out as they went in, and cost little more than themselves.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ByteHold } from "./byteHold.ts";

test("ByteHold gives back what it was given", () => {
  const sizes = fc.array(fc.oneof(fc.nat(40), fc.nat(70_000)), { maxLength: 12 });
  fc.assert(
    fc.property(sizes, (lengths) => {
      const pieces = lengths.map((length, index) => Buffer.alloc(length, index + 1));
      const whole = Buffer.concat(pieces);
      const hold = new ByteHold();
      for (const piece of pieces) hold.append(piece);
      expect(hold.length).toBe(whole.length);
      expect(Buffer.concat(hold.take()).equals(whole)).toBe(true);
      expect(hold.length).toBe(0);
      expect(hold.take().length).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test("ByteHold keeps a copy, in few blocks", () => {
  const hold = new ByteHold();
  const byte = Buffer.from("a");
  for (let i = 0; i < 200_000; i++) hold.append(byte);
  byte[0] = 0;
  const blocks = hold.take();
  expect(blocks.length).toBeLessThan(6);
  expect(blocks[0]?.[0]).toBe(97);
});
