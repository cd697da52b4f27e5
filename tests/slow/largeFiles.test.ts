// 5 GB up as a form into PocketBase's storage and down again, and up in pieces, in constant memory.
import { expect, test } from "bun:test";
import { measureResumable, measureRoundTrip } from "../files/roundTrip.ts";

const BYTES = 5_000_000_000;

const tell = (what: string, growthMb: readonly number[]): void => {
  const figures = growthMb.map((mb) => mb.toFixed(1)).join(", ");
  process.stderr.write(`peak of resident memory, ${what}: ${figures} MiB more\n`);
};

test("5 GB up and down grow memory by less than 32 MB", async () => {
  const { growthMb, received } = await measureRoundTrip(BYTES, { downs: 1, cacheBytes: 1_000_000_000 });
  tell("up and down", growthMb);
  expect(received).toEqual([BYTES]);
  for (const megabytes of growthMb) expect(megabytes).toBeLessThan(32);
}, 900_000);

test("5 GB in pieces, and from the spool into the record, grow memory by less than 32 MB", async () => {
  const growthMb = await measureResumable(BYTES);
  tell("into the spool and into the record", growthMb);
  for (const megabytes of growthMb) expect(megabytes).toBeLessThan(32);
}, 900_000);
