// 5 GB in both directions in constant memory.
import { expect, test } from "bun:test";
import { measureTransfer } from "../faults/largeBodies.ts";

const BYTES = 5_000_000_000;

test.each(["down", "up"] as const)(
  "5 GB %s",
  async (direction) => {
    const { bytes, status, growthMb } = await measureTransfer(direction, BYTES);
    expect([status, bytes]).toEqual([200, direction === "down" ? BYTES : 2]);
    expect(growthMb).toBeLessThan(32);
  },
  600_000,
);
