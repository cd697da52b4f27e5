// Bugs that cannot be planted any more prove nothing.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { PROJECT_DIR } from "../support/scratch.ts";
import { CACHE_BUGS } from "./cacheBugs.ts";
import { HURRIED } from "./plantedCopy.ts";

test.each([...CACHE_BUGS, ...HURRIED])(
  "%# $file has the text that is to be replaced, once",
  async ({ file, from, to }) => {
    const text = await Bun.file(join(PROJECT_DIR, "src", file)).text();
    expect(text.split(from)).toHaveLength(2);
    expect(to).not.toBe(from);
  },
);
