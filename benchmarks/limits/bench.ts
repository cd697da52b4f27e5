// `bun run bench limits`: what a decision costs, what it remembers, and what a flood does to everybody else.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeMachine, describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { createQuietWait } from "../support/quiet.ts";
import { requireTools } from "../support/tools.ts";
import { startUpstream } from "../support/upstream.ts";
import { measureDecisions } from "./decisions.ts";
import { measureFlood } from "./flood.ts";
import { measureHeaders } from "./headers.ts";
import { type LimitsResult, renderGoals, renderLimits } from "./report.ts";
import { measureTenMillion } from "./tenMillion.ts";

const RESULTS_DIR = join(import.meta.dir, "..", "results");
const QUIET_WAIT_MS = 120_000;

/** Measures, prints the goals with their verdicts, and writes `results/limits.md` and the raw rounds. */
export const benchLimits = async (options: BenchOptions): Promise<void> => {
  const { wrk } = requireTools(["wrk"]);
  const { rounds, seconds } = options;
  const waitForQuiet = createQuietWait(QUIET_WAIT_MS);
  await waitForQuiet();
  const decisions = measureDecisions();
  const headers = measureHeaders();
  const tenMillion = await measureTenMillion();
  await using upstream = await startUpstream();
  const flood = await measureFlood({ wrk, upstream, rounds, seconds, waitForQuiet });
  const result: LimitsResult = {
    date: new Date().toISOString().slice(0, 10),
    command: options.command,
    machine: describeMachine(),
    revision: describeRevision(),
    rounds,
    seconds,
    decisions,
    headers,
    tenMillion,
    flood,
  };
  console.log(renderGoals(result));
  if (options.saves) save(result);
};

const save = (result: LimitsResult): void => {
  mkdirSync(RESULTS_DIR, { recursive: true });
  writeFileSync(join(RESULTS_DIR, `limits-${result.date}.json`), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(RESULTS_DIR, "limits.md"), renderLimits(result));
};
