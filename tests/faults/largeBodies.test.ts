// 200 MB in both directions in constant memory; tests/slow moves 5 GB.
import { expect, test } from "bun:test";
import { measureTransfer } from "./largeBodies.ts";

const BYTES = 200_000_000;

test("200 MB down", async () => {
  const { bytes, status, growthMb } = await measureTransfer("down", BYTES);
  expect([status, bytes]).toEqual([200, BYTES]);
  expect(growthMb).toBeLessThan(32);
}, 60_000);

test("200 MB up", async () => {
  const { bytes, status, growthMb } = await measureTransfer("up", BYTES);
  expect([status, bytes]).toEqual([200, 2]);
  expect(growthMb).toBeLessThan(32);
}, 60_000);
