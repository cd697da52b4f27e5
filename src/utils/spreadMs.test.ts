import { expect, test } from "bun:test";
import { spreadMs } from "./spreadMs.ts";

test("spreadMs gives from three to five quarters", () => {
  expect([spreadMs(100, () => 0), spreadMs(100, () => 0.5), spreadMs(100, () => 1)]).toEqual([75, 100, 125]);
});
