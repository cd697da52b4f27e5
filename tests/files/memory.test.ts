// 300 MB up as a form and down again, from PocketBase and from disk, and up in pieces, in constant memory.
import { expect, test } from "bun:test";
import { measureResumable, measureRoundTrip } from "./roundTrip.ts";

const BYTES = 300_000_000;

test("300 MB up and down grow memory by less than 32 MB", async () => {
  const { growthMb, received } = await measureRoundTrip(BYTES, { downs: 2, cacheBytes: 1_000_000_000 });
  expect(received).toEqual([BYTES, BYTES]);
  for (const megabytes of growthMb) expect(megabytes).toBeLessThan(32);
}, 90_000);

test("300 MB in pieces, and from the spool into the record, grow memory by less than 32 MB", async () => {
  for (const megabytes of await measureResumable(BYTES)) expect(megabytes).toBeLessThan(32);
}, 90_000);
