// The comparison of tests/rules/queries.test.ts on every supported version, with a random seed and more queries.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { judgeQueries, renderTally } from "../rules/judgeQueries.ts";
import { judgeRawQueries } from "../rules/judgeRawQueries.ts";
import { binaryOf, type PocketBaseVersion, startPocketBase } from "../support/pocketbase.ts";

setDefaultTimeout(600_000);

const VERSIONS: readonly PocketBaseVersion[] = ["0.36", "0.39", "0.40"];

describe("rules and PocketBase judge alike", () => {
  for (const version of VERSIONS) {
    test.skipIf(!existsSync(binaryOf(version)))(`on ${version}`, async () => {
      await using pb = await startPocketBase({ version });
      const seed = Number(process.env["HAPTA_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
      const runs = Number(process.env["HAPTA_RUNS"] ?? 30_000);
      const tally = await judgeQueries(pb, runs, seed);
      process.stdout.write(`${version}, seed ${seed}: ${renderTally(tally)}\n`);
      expect(tally.falseRefusals).toEqual([]);
      expect(tally.changed).toEqual([]);
      const raw = await judgeRawQueries(pb, Math.ceil(runs / 3), seed);
      expect(raw.wrong).toEqual([]);
    });
  }
});
