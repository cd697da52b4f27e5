// What the relay is held to, and how far it is: raw runs in, rows with a verdict out.
import { compare, type GoalRow, megabytes, ms, ratio, times, toRow } from "../support/goals.ts";
import { median, spread } from "../support/stats.ts";
import type { BulkRun, Direction } from "./bulk.ts";
import type { Pace, SmallGetRun } from "./smallGets.ts";
import type { TargetName } from "./targets.ts";

/** The runs of one target under one load. */
export interface Selection {
  readonly target: TargetName;
  readonly path: string;
  readonly pace: Pace;
}

export const select = (
  runs: readonly SmallGetRun[],
  { target, path, pace }: Selection,
): readonly SmallGetRun[] =>
  runs.filter((run) => run.target === target && run.path === path && run.pace === pace);

/** Rows for one path: CPU against Caddy and nginx, added latency flat out and paced. */
export const smallGetGoals = (runs: readonly SmallGetRun[], path: string): readonly GoalRow[] => {
  const series = (target: TargetName, pace: Pace, read: (run: SmallGetRun) => number): readonly number[] =>
    select(runs, { target, path, pace }).map(read);
  const cpu = (target: TargetName): readonly number[] =>
    series(target, "closed", (run) => run.cpuUsPerRequest);
  const p50Ms = (target: TargetName, pace: Pace): readonly number[] =>
    series(target, pace, (run) => run.p50Us / 1000);
  const cpuRow = (what: string, against: TargetName, max: number): GoalRow =>
    toRow({
      what: `${path}: CPU per request ${what}`,
      ...compare(cpu("hapta"), cpu(against), ratio),
      render: times,
      max,
    });
  const addedRows = (what: string, pace: Pace): readonly GoalRow[] =>
    (["hapta", "nginx", "caddy"] as const).map((target) =>
      toRow({
        what: `${path}: added p50 ${what}${target === "hapta" ? "" : `, ${target} beside it`}`,
        ...compare(p50Ms(target, pace), p50Ms("direct", pace), (our, their) => our - their),
        render: ms,
        ...(target === "hapta" ? { max: 0.3 } : {}),
      }),
    );
  return [
    cpuRow("against Caddy", "caddy", 0.5),
    cpuRow("against nginx", "nginx", 2),
    cpuRow("against nginx, stretch", "nginx", 1.7),
    ...addedRows("in a closed loop", "closed"),
    ...addedRows("at an equal rate", "paced"),
  ];
};

const SHARE_MIN = 0.9;
const GROWTH_BYTES_MAX = 32_000_000;

/** Rows for one direction, named `what`: speed against direct, growth of peak memory (the largest of all rounds). */
export const bulkGoals = (
  runs: readonly BulkRun[],
  what: string,
  direction: Direction,
): readonly GoalRow[] => {
  const of = (target: TargetName): readonly BulkRun[] =>
    runs.filter((run) => run.target === target && run.direction === direction);
  const speed = (target: TargetName): readonly number[] => of(target).map((run) => run.bytesPerSecond);
  const growth = of("hapta").map((run) => run.peakGrowthBytes);
  const beside = (["nginx", "haproxy"] as const).filter((target) => of(target).length > 0);
  const toDirect = (target: TargetName) => ({
    ...compare(speed(target), speed("direct"), ratio),
    render: times,
  });
  return [
    toRow({ what: `${what}: speed against direct`, ...toDirect("hapta"), min: SHARE_MIN }),
    ...beside.map((target) =>
      toRow({ what: `${what}: speed against direct, ${target} beside it`, ...toDirect(target) }),
    ),
    toRow({
      what: `${what}: growth of peak memory`,
      value: Math.max(...growth),
      perRound: growth,
      render: megabytes,
      max: GROWTH_BYTES_MAX,
    }),
  ];
};

/** Medians of one target, for the table of figures. */
export const summarise = (runs: readonly SmallGetRun[]) => ({
  ratePerSecond: median(runs.map((run) => run.requests / run.seconds)),
  p50Us: median(runs.map((run) => run.p50Us)),
  p99Us: median(runs.map((run) => run.p99Us)),
  cpuUs: median(runs.map((run) => run.cpuUsPerRequest)),
  cpuSpread: spread(runs.map((run) => run.cpuUsPerRequest)),
  failed: runs.reduce((sum, run) => sum + run.failed, 0),
});
