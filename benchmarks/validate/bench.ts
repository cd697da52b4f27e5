// `bun run bench validate`: what judging costs, and what a changed schema costs everybody else.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeMachine, describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { createQuietWait } from "../support/quiet.ts";
import { measureJudging } from "./judging.ts";
import { measureRebuild } from "./rebuild.ts";
import { renderGoals, renderValidate, type ValidateResult } from "./report.ts";

const RESULTS_DIR = join(import.meta.dir, "..", "results");
const QUIET_WAIT_MS = 60_000;

/** Measures, prints the goals with their verdicts, and writes `results/validate.md` and the raw rounds. */
export const benchValidate = async ({ rounds, saves, command }: BenchOptions): Promise<void> => {
  await createQuietWait(QUIET_WAIT_MS)();
  const result: ValidateResult = {
    date: new Date().toISOString().slice(0, 10),
    command,
    machine: describeMachine(),
    revision: describeRevision(),
    rounds,
    judging: measureJudging(rounds),
    rebuild: await measureRebuild(rounds),
  };
  console.log(renderGoals(result));
  if (saves) save(result);
};

const save = (result: ValidateResult): void => {
  mkdirSync(RESULTS_DIR, { recursive: true });
  writeFileSync(join(RESULTS_DIR, `validate-${result.date}.json`), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(RESULTS_DIR, "validate.md"), renderValidate(result));
};
