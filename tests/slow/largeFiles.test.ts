// 5 GB up as a form into PocketBase's storage and down again, in constant memory.
import { expect, test } from "bun:test";
import { measureRoundTrip } from "../files/roundTrip.ts";

const BYTES = 5_000_000_000;

test("5 GB up and down grow memory by less than 32 MB", async () => {
  const { growthMb, received } = await measureRoundTrip(BYTES, { downs: 1, cacheBytes: 1_000_000_000 });
  process.stderr.write(
    `peak of resident memory, up and down: ${growthMb.map((mb) => mb.toFixed(1)).join(", ")} MiB more\n`,
  );
  expect(received).toEqual([BYTES]);
  for (const megabytes of growthMb) expect(megabytes).toBeLessThan(32);
}, 900_000);
