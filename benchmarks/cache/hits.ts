// A kept list, asked for without a pause: what a hit costs in Hapta, in other caches, and in PocketBase, which keeps nothing.
import { compare, type GoalRow, ratio, times, toRow } from "../support/goals.ts";
import type { WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import type { BenchUpstream } from "../support/upstream.ts";
import { type Load, runWrk } from "../support/wrk.ts";
import { type Asked, LIST, loadList, startTargets } from "./targets.ts";

/** One run of one target. */
export interface HitRun
  extends Pick<Load, "requests" | "seconds" | "cpuUsPerRequest" | "p50Us" | "foreignCpus"> {
  readonly target: Asked["name"];
  readonly round: number;
}

/** How the load is made. */
export interface HitOptions {
  readonly wrk: string;
  readonly upstream: BenchUpstream;
  readonly rounds: number;
  readonly seconds: number;
  readonly waitForQuiet: WaitForQuiet;
}

/** All rounds of all targets. */
export const measureHits = async (options: HitOptions): Promise<readonly HitRun[]> => {
  await loadList(options.upstream);
  await using stack = new AsyncDisposableStack();
  const targets = await startTargets(options.upstream, stack);
  for (const target of targets) await load(options, target, 1);
  const runs: HitRun[] = [];
  for (let round = 0; round < options.rounds; round++)
    for (const target of orderOf(targets, round)) {
      await options.waitForQuiet();
      const { failed, requests, seconds, cpuUsPerRequest, p50Us, foreignCpus } = await load(
        options,
        target,
        options.seconds,
      );
      if (failed > 0) throw new Error(`${target.name}: ${failed} answers failed`);
      const run = { target: target.name, round, requests, seconds, cpuUsPerRequest, p50Us, foreignCpus };
      console.error(`hits round ${round + 1} ${target.name} ${cpuUsPerRequest.toFixed(1)} us`);
      runs.push(run);
    }
  return runs;
};

const load = ({ wrk, upstream }: HitOptions, { server, headers }: Asked, seconds: number): Promise<Load> =>
  runWrk({
    wrk,
    url: server.url + LIST,
    seconds,
    paceMs: 0,
    headers,
    serverPid: server.pid,
    upstreamPid: upstream.pid,
  });

/** Figures of one target, in the order of the rounds. */
export const seriesOf = (
  runs: readonly HitRun[],
  target: HitRun["target"],
  read: (run: HitRun) => number,
): readonly number[] => runs.filter((run) => run.target === target).map(read);

/** Rows with a verdict. */
export const hitGoals = (runs: readonly HitRun[]): readonly GoalRow[] => {
  const cpu = (target: HitRun["target"]) => seriesOf(runs, target, (run) => run.cpuUsPerRequest);
  const rate = (target: HitRun["target"]) => seriesOf(runs, target, (run) => run.requests / run.seconds);
  const against = (what: string, other: HitRun["target"], max: number): GoalRow[] =>
    cpu(other).length === 0
      ? []
      : [toRow({ what, ...compare(cpu("hapta"), cpu(other), ratio), render: times, max })];
  return [
    ...against("a hit: CPU per request against nginx proxy_cache", "nginx", 0.9),
    ...against("a hit: CPU per request against Varnish", "varnish", 0.7),
    toRow({
      what: "a hit: CPU per request, what the session adds",
      ...compare(cpu("hapta"), cpu("hapta guest"), (our, their) => our - their),
      render: (us) => `${us.toFixed(1)} us`,
    }),
    toRow({
      what: "a hit: throughput against PocketBase",
      ...compare(rate("hapta"), rate("pocketbase"), ratio),
      render: times,
      min: 30,
    }),
    toRow({
      what: "a 304: CPU per request against a full hit",
      ...compare(cpu("hapta 304"), cpu("hapta"), ratio),
      render: times,
      max: 0.5,
    }),
  ];
};
