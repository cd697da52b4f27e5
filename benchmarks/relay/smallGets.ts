// Small GETs through every target: latency and CPU per request, flat out and at one equal rate.
import type { WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import { type Load, runWrk } from "../support/wrk.ts";
import type { Target, TargetName } from "./targets.ts";

/**
 * How the load comes.
 * - `closed`: every connection asks again as soon as it has its answer, so latency is throughput in disguise.
 * - `paced`: every connection waits {@link PACE_MS} on average first: the same rate for everybody, below saturation.
 */
export type Pace = "closed" | "paced";

/** Mean wait per connection; 32 connections make just under 2,000 requests a second. */
export const PACE_MS = 16;

export interface SmallGetRun extends Load {
  readonly target: TargetName;
  readonly path: string;
  readonly pace: Pace;
  readonly round: number;
  /** Runs thrown away because other programs used the machine more than in this one. */
  readonly discarded: number;
}

export interface SmallGetOptions {
  readonly wrk: string;
  readonly targets: readonly Target[];
  readonly upstreamPid: number;
  /** Label to path. */
  readonly paths: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly seconds: number;
  readonly waitForQuiet: WaitForQuiet;
}

/** CPUs other programs may use during a run before it is repeated, and how often it is. */
const FOREIGN_CPUS_MAX = 0.15;
const TRIES_MAX = 3;
const WARM_UP_SECONDS = 3;

/** All rounds of all targets, paths and paces. */
export const measureSmallGets = async (options: SmallGetOptions): Promise<readonly SmallGetRun[]> => {
  const runs: SmallGetRun[] = [];
  for (const [label, path] of Object.entries(options.paths)) {
    for (const target of options.targets)
      await load(options, target, { path, paceMs: 0, seconds: WARM_UP_SECONDS });
    for (let round = 0; round < options.rounds; round++)
      runs.push(...(await measureRound(options, label, round)));
  }
  return runs;
};

const measureRound = async (
  options: SmallGetOptions,
  label: string,
  round: number,
): Promise<SmallGetRun[]> => {
  const path = options.paths[label] ?? "";
  const runs: SmallGetRun[] = [];
  for (const pace of ["closed", "paced"] as const) {
    for (const target of orderOf(options.targets, round)) {
      const how = { path, paceMs: pace === "paced" ? PACE_MS : 0, seconds: options.seconds };
      const { best, discarded } = await quietest(async () => {
        await options.waitForQuiet();
        return await load(options, target, how);
      });
      const run: SmallGetRun = { target: target.name, path: label, pace, round, discarded, ...best };
      console.error(renderLine(run));
      runs.push(run);
    }
  }
  return runs;
};

interface How {
  readonly path: string;
  readonly paceMs: number;
  readonly seconds: number;
}

const load = (options: SmallGetOptions, target: Target, { path, paceMs, seconds }: How): Promise<Load> =>
  runWrk({
    wrk: options.wrk,
    url: target.url + path,
    seconds,
    paceMs,
    serverPid: target.pid,
    upstreamPid: options.upstreamPid,
  });

const quietest = async (run: () => Promise<Load>): Promise<{ best: Load; discarded: number }> => {
  let best = await run();
  let discarded = 0;
  while (best.foreignCpus > FOREIGN_CPUS_MAX && discarded < TRIES_MAX - 1) {
    const next = await run();
    discarded++;
    if (next.foreignCpus < best.foreignCpus) best = next;
  }
  return { best, discarded };
};

const renderLine = (run: SmallGetRun): string =>
  `${run.path} ${run.pace} round ${run.round + 1} ${run.target.padEnd(7)} ` +
  `${Math.round(run.requests / run.seconds)}/s p50 ${run.p50Us} us cpu ${run.cpuUsPerRequest.toFixed(1)} us ` +
  `foreign ${run.foreignCpus.toFixed(2)} failed ${run.failed} discarded ${run.discarded}`;
