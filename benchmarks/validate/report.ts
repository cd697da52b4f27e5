// Turns the figures of validation into goals with a verdict and the page a person reads.
import { type Machine, renderMachine } from "../support/machine.ts";
import { median } from "../support/stats.ts";
import type { JudgingRun } from "./judging.ts";
import { COLLECTIONS, type RebuildRun } from "./rebuild.ts";

export interface ValidateResult {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly revision: string;
  readonly rounds: number;
  readonly judging: readonly JudgingRun[];
  readonly rebuild: readonly RebuildRun[];
}

const CREATE_US_MAX = 30;
const REBUILD_MS_MAX = 200;
/** Longer pauses than this would be felt by requests under way. */
const PAUSE_MS_MAX = 20;

const said = (values: readonly number[], unit: string): string =>
  `${median(values).toFixed(1)} ${unit} (rounds ${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})`;

const row = (what: string, values: readonly number[], goal: { unit: string; most?: number }): string => {
  const { unit, most } = goal;
  const verdict = most === undefined ? "for information" : median(values) <= most ? "met" : "missed";
  const words = most === undefined ? "" : `at most ${most} ${unit}`;
  return `| ${what} | ${said(values, unit)} | ${words} | ${verdict} |`;
};

/** The goals as a table. */
export const renderGoals = ({ judging, rebuild }: ValidateResult): string => {
  const of = (figure: (run: RebuildRun) => number): number[] => rebuild.map(figure);
  return [
    "| what | measured | goal | verdict |",
    "| --- | --- | --- | --- |",
    ...judging.map(({ what, us }) =>
      row(
        `CPU of ${what}`,
        us,
        what.startsWith("a new record") ? { unit: "us", most: CREATE_US_MAX } : { unit: "us" },
      ),
    ),
    row(
      `CPU of a new schema of ${COLLECTIONS} collections, all made ready`,
      of(({ readCpuMs, judgeCpuMs }) => readCpuMs + judgeCpuMs),
      { unit: "ms", most: REBUILD_MS_MAX },
    ),
    row(
      "of that, reading it",
      of(({ readCpuMs }) => readCpuMs),
      { unit: "ms" },
    ),
    row(
      "longest time in which nothing else had a turn",
      of(({ pauseMs }) => pauseMs),
      { unit: "ms", most: PAUSE_MS_MAX },
    ),
  ].join("\n");
};

/** The whole page. */
export const renderValidate = (result: ValidateResult): string => {
  const { command, date, revision, machine, rounds } = result;
  return `# Validation

Made by \`${command}\` on ${date}, revision ${revision}. Raw rounds: \`validate-${date}.json\`.

${renderGoals(result)}

## How it was measured

- Machine: ${renderMachine(machine)}.
- Judging: loops of 20,000 in one process, CPU time of the process, median and range of ${rounds} rounds after one that does not
  count, the order flipped from round to round.
- A new schema: ${COLLECTIONS} collections with every field type and option, each changed before every round, read from a real PocketBase
  on the same machine; then the first body of each is judged, which is when its schema is made. CPU time of Hapta's side only.
  Meanwhile a timer takes every turn it gets: its longest wait is the pause, the operating system's own included.
`;
};
