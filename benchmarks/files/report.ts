// The page of the benchmark of files: medians with their ranges, and the ratios that have goals. Measures nothing.
import type { BenchOptions } from "../support/options.ts";
import { median } from "../support/stats.ts";
import type { HitRun } from "./bench.ts";
import { BULK_BYTES } from "./fixture.ts";
import type { TransferRun } from "./transfers.ts";

/** Renders it in Markdown. */
export const renderPage = (
  { command, rounds, seconds }: BenchOptions,
  transfers: readonly TransferRun[],
  hits: readonly HitRun[],
): string =>
  [
    "# Files",
    "",
    `\`${command}\`, ${rounds} rounds with the order changed each time, ${seconds} s of load each over 32 connections; medians and`,
    "ranges. Hapta's limits are on, nobody is signed in.",
    "",
    "| Measure | Goal | Median | Range |",
    "| --- | --- | --- | --- |",
    ...goals(transfers, hits).map(renderGoal),
    "",
    "| What | Target | requests/s | CPU per request, us | CPUs busy elsewhere, at most |",
    "| --- | --- | --- | --- | --- |",
    ...HITS.map(([what, target]) => renderHits(what, target, hits)),
    "",
    `| ${BULK_BYTES / 1e6} MB | Target | MB/s | CPU, ms |`,
    "| --- | --- | --- | --- |",
    ...TRANSFERS.map(([direction, target]) => renderTransfers(direction, target, transfers)),
    "",
  ].join("\n");

const HITS = [
  ["1 MB", "hapta"],
  ["1 MB", "nginx"],
  ["thumb", "hapta"],
  ["thumb", "pocketbase"],
] as const;
const TRANSFERS = [
  ["upload", "direct"],
  ["upload", "hapta"],
  ["download", "direct"],
  ["download", "hapta"],
  ["download", "kept"],
] as const;

interface Goal {
  readonly measure: string;
  readonly goal: string;
  /** One for each round. */
  readonly values: readonly number[];
}

const goals = (transfers: readonly TransferRun[], hits: readonly HitRun[]): readonly Goal[] => {
  const speeds = (
    direction: TransferRun["direction"],
    over: TransferRun["target"] = "hapta",
  ): readonly number[] =>
    ratios(
      transfers.filter((run) => run.direction === direction),
      [over, "direct"],
      ({ bytesPerSecond }) => bytesPerSecond,
    );
  const cpu = (what: HitRun["what"], pair: readonly [string, string]): readonly number[] =>
    ratios(
      hits.filter((run) => run.what === what),
      pair,
      ({ cpuUsPerRequest }) => cpuUsPerRequest,
    );
  return [
    { measure: "upload of a form, speed to direct", goal: ">= 0.9", values: speeds("upload") },
    { measure: "download through Hapta, speed to direct", goal: ">= 0.9", values: speeds("download") },
    { measure: "download that is kept, speed to direct", goal: ">= 0.9", values: speeds("download", "kept") },
    { measure: "kept 1 MB, CPU to nginx", goal: "<= 1.2", values: cpu("1 MB", ["hapta", "nginx"]) },
    {
      measure: "kept thumb, CPU of PocketBase to it",
      goal: ">= 20",
      values: cpu("thumb", ["pocketbase", "hapta"]),
    },
  ];
};

/** One quotient per round of what two targets came to. */
const ratios = <T extends { readonly round: number; readonly target: string }>(
  runs: readonly T[],
  [over, under]: readonly [string, string],
  figure: (run: T) => number,
): readonly number[] =>
  runs
    .filter(({ target }) => target === over)
    .flatMap((run) => {
      const other = runs.find(({ target, round }) => target === under && round === run.round);
      return other === undefined ? [] : [figure(run) / figure(other)];
    });

const cell = (values: readonly number[], digits: number): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;

const renderGoal = ({ measure, goal, values }: Goal): string =>
  `| ${measure} | ${goal} | ${median(values).toFixed(2)} | ${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)} |`;

const renderHits = (what: string, target: string, runs: readonly HitRun[]): string => {
  const own = runs.filter((run) => run.what === what && run.target === target);
  const speed = cell(
    own.map(({ requestsPerSecond }) => requestsPerSecond),
    0,
  );
  const cpu = cell(
    own.map(({ cpuUsPerRequest }) => cpuUsPerRequest),
    1,
  );
  const busy = Math.max(...own.map(({ foreignCpus }) => foreignCpus));
  return `| ${what} | ${target} | ${speed} | ${cpu} | ${busy.toFixed(2)} |`;
};

const renderTransfers = (direction: string, target: string, runs: readonly TransferRun[]): string => {
  const own = runs.filter((run) => run.direction === direction && run.target === target);
  const speed = cell(
    own.map(({ bytesPerSecond }) => bytesPerSecond / 1e6),
    0,
  );
  return `| ${direction} | ${target} | ${speed} | ${cell(
    own.map(({ cpuUs }) => cpuUs / 1000),
    0,
  )} |`;
};
