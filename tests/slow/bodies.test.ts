// The comparison of tests/schema/bodies.test.ts on every supported version, with a random seed and more bodies.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { judgeBodies, renderBodyTally, shareOfCreations } from "../schema/judgeBodies.ts";
import { binaryOf, type PocketBaseVersion, startPocketBase } from "../support/pocketbase.ts";

setDefaultTimeout(1_200_000);

const VERSIONS: readonly (readonly [PocketBaseVersion, number])[] = [
  ["0.39", 20_000],
  ["0.36", 5_000],
  ["0.40", 5_000],
];

describe("validateBody and PocketBase judge alike", () => {
  for (const [version, fullRuns] of VERSIONS) {
    test.skipIf(!existsSync(binaryOf(version)))(`on ${version}`, async () => {
      await using pb = await startPocketBase({ version });
      const seed = Number(process.env["HAPTA_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
      const tally = await judgeBodies(pb, {
        runs: Number(process.env["HAPTA_RUNS"] ?? fullRuns),
        seed,
        wording: version === "0.40" ? "0.40" : "0.39",
      });
      process.stdout.write(`${version}, seed ${seed}: ${renderBodyTally(tally)}\n`);
      expect(tally.falseRefusals).toEqual([]);
      expect(tally.different).toEqual([]);
      expect(shareOfCreations(tally)).toBeGreaterThan(0.95);
    });
  }
});
