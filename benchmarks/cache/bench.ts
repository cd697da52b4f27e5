// `bun run bench cache`: what the cache saves, beside other caches and PocketBase itself, and what it promises, counted.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderGoals } from "../support/goals.ts";
import { describeMachine, describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { createQuietWait } from "../support/quiet.ts";
import { findTool, requireTools, versionOf } from "../support/tools.ts";
import { startUpstream } from "../support/upstream.ts";
import { countedGoals, measureCounted } from "./counted.ts";
import { hitGoals, measureHits } from "./hits.ts";
import { loadLists } from "./lists.ts";
import { measureMemory, memoryGoals } from "./memory.ts";
import { type CacheResult, renderCache } from "./report.ts";
import { measureSocial, socialGoals } from "./social.ts";
import { measureStaleness, stalenessGoals } from "./staleness.ts";

const RESULTS_DIR = join(import.meta.dir, "..", "results");
const QUIET_WAIT_MS = 25_000;

/** Measures, prints the goals with their verdicts, and writes `results/cache.md` and the raw rounds. */
export const benchCache = async (options: BenchOptions): Promise<void> => {
  const { wrk, nginx } = requireTools(["wrk", "nginx"]);
  const varnish = findTool("varnishd");
  const machine = describeMachine();
  const revision = describeRevision();
  await using upstream = await startUpstream();
  const { rounds, seconds } = options;
  const social = await measureSocial(upstream);
  const waitForQuiet = createQuietWait(QUIET_WAIT_MS);
  const sizes = await loadLists(upstream);
  const load = { wrk, upstream, rounds, seconds: Math.max(1, Math.floor(seconds / 2)) };
  const hits = await measureHits({ ...load, sizes, waitForQuiet });
  const counted = await measureCounted(load);
  const staleness = await measureStaleness(upstream);
  const memory = await measureMemory(upstream, rounds);
  const result: CacheResult = {
    date: new Date().toISOString().slice(0, 10),
    command: options.command,
    machine,
    revision,
    versions: {
      PocketBase: versionOf(upstream.binary, "--version"),
      nginx: versionOf(nginx, "-v"),
      ...(varnish === undefined ? {} : { Varnish: versionOf(varnish, "-V") }),
    },
    rounds,
    seconds: load.seconds,
    sizes,
    goals: [
      ...hitGoals(hits),
      ...countedGoals(counted),
      ...socialGoals(social),
      ...stalenessGoals(staleness),
      ...memoryGoals(memory),
    ],
    hits,
    counted,
    social,
    staleness,
    memory,
  };
  console.log(renderGoals(result.goals));
  if (!options.saves) return;
  mkdirSync(RESULTS_DIR, { recursive: true });
  writeFileSync(join(RESULTS_DIR, `cache-${result.date}.json`), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(RESULTS_DIR, "cache.md"), renderCache(result));
};
