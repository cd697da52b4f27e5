// Generated requests to PocketBase and through Hapta must be answered alike, on every supported version of PocketBase.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { upstreamTokensIn } from "../../src/utils/upstreamTokens.ts";
import { loginCallers } from "../support/fixture/load.ts";
import { startHapta } from "../support/hapta.ts";
import { binaryOf, type PocketBaseVersion, startPocketBase } from "../support/pocketbase.ts";
import { selectedTargets } from "../support/targets.ts";
import { type DifferentialOptions, runDifferential } from "./runDifferential.ts";

setDefaultTimeout(300_000);

const seed = Number(process.env["HAPTA_SEED"] ?? 20_261_122);
const path = process.env["HAPTA_REPLAY"];

/** How many requests each version gets in the fast set. */
const VERSIONS: readonly (readonly [PocketBaseVersion, number])[] = [
  ["0.39", 600],
  ["0.36", 250],
  ["0.40", 250],
];

describe.skipIf(!selectedTargets().includes("hapta"))("differential through Hapta", () => {
  for (const [version, fastRuns] of VERSIONS) {
    test.skipIf(!existsSync(binaryOf(version)))(`PocketBase ${version} is answered alike`, async () => {
      await using upstream = await startPocketBase({ version });
      // What answers are looked through for has the form that this version writes.
      for (const token of Object.values(upstream.world.tokens))
        expect(upstreamTokensIn(token)).toEqual([token]);
      await using hapta = await startHapta(upstream);
      const options: DifferentialOptions = {
        direct: upstream.url,
        through: hapta.url,
        world: upstream.world,
        tokensThrough: await loginCallers(hapta.url),
        seed,
        runs: Number(process.env["HAPTA_RUNS"] ?? fastRuns),
        ignoresMemberOrder: version === "0.40",
      };
      await runDifferential(path === undefined || path === "" ? options : { ...options, path });
    });
  }
});
