import { expect, test } from "bun:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { blockText, clipNetwork, readNetwork } from "./addressBlocks.ts";

test("readNetwork reads the /64 of every address as ipaddr.js does", () => {
  // Small groups make for gaps in every place.
  const groups = fc.array(fc.constantFrom(0, 0, 0, 1, 0x2a, 0xffff, 0x20b), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(groups, (parts) => {
      const text = new ipaddr.IPv6(parts).toString();
      const network = new Int32Array(2);
      readNetwork(text, network);
      const [first = 0, second = 0] = network;
      expect([first >>> 16, first & 0xffff, second >>> 16, second & 0xffff]).toEqual(parts.slice(0, 4));
    }),
    { numRuns: 3_000 },
  );
});

test("blocks are clipped to /64, /56 and /48", () => {
  const hex = (level: number) => (clipNetwork(0x1234abcd, level) >>> 0).toString(16);
  expect([hex(0), hex(1), hex(2)]).toEqual(["1234abcd", "1234ab00", "12340000"]);
  expect(blockText("2001:db8::1")).toBe("2001:db8:0:0::/64");
  expect(blockText("192.0.2.7")).toBe("192.0.2.7");
});
