// A kept list, asked for without a pause: what a hit costs in Hapta, in other caches, and in PocketBase, which keeps nothing.
import { compare, type GoalRow, ratio, times, toRow } from "../support/goals.ts";
import type { WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import type { BenchUpstream } from "../support/upstream.ts";
import { type Load, runWrk } from "../support/wrk.ts";
import type { ListSizes } from "./lists.ts";
import { type Asked, startTargets, type TargetName } from "./targets.ts";

/** One run of one target. */
export interface HitRun
  extends Pick<Load, "requests" | "seconds" | "cpuUsPerRequest" | "p50Us" | "foreignCpus"> {
  readonly target: TargetName;
  readonly round: number;
}

/** How the load is made. */
export interface HitOptions {
  readonly wrk: string;
  readonly upstream: BenchUpstream;
  readonly sizes: ListSizes;
  readonly rounds: number;
  readonly seconds: number;
  readonly waitForQuiet: WaitForQuiet;
}

/** All rounds of all targets. */
export const measureHits = async (options: HitOptions): Promise<readonly HitRun[]> => {
  await using stack = new AsyncDisposableStack();
  const targets = await startTargets(options.upstream, options.sizes, stack);
  for (const target of targets) await load(options, target, 1);
  const runs: HitRun[] = [];
  for (let round = 0; round < options.rounds; round++)
    for (const target of orderOf(targets, round)) {
      await options.waitForQuiet();
      const { failed, requests, seconds, cpuUsPerRequest, p50Us, foreignCpus } = await load(
        options,
        target,
        target.isBrief === true ? Math.max(1, Math.floor(options.seconds / 2)) : options.seconds,
      );
      if (failed > 0) throw new Error(`${target.name}: ${failed} answers failed`);
      const run = { target: target.name, round, requests, seconds, cpuUsPerRequest, p50Us, foreignCpus };
      console.error(`hits round ${round + 1} ${target.name} ${cpuUsPerRequest.toFixed(1)} us`);
      runs.push(run);
    }
  return runs;
};

const load = (
  { wrk, upstream }: HitOptions,
  { server, path, headers }: Asked,
  seconds: number,
): Promise<Load> =>
  runWrk({
    wrk,
    url: server.url + path,
    seconds,
    paceMs: 0,
    headers,
    serverPid: server.pid,
    upstreamPid: upstream.pid,
  });

/** Figures of one target, in the order of the rounds. */
export const seriesOf = (
  runs: readonly HitRun[],
  target: TargetName,
  read: (run: HitRun) => number,
): readonly number[] => runs.filter((run) => run.target === target).map(read);

/** Who is compared with whom. */
type Pair = readonly [our: TargetName, their: TargetName];
/** What a row is held to; a row without a bound informs. */
type Bound = { readonly min?: number; readonly max?: number };

/** Rows with a verdict. */
export const hitGoals = (runs: readonly HitRun[]): readonly GoalRow[] => {
  const cpu = (target: TargetName) => seriesOf(runs, target, (run) => run.cpuUsPerRequest);
  const rate = (target: TargetName) => seriesOf(runs, target, (run) => run.requests / run.seconds);
  const rowOf =
    (unit: string, series: typeof cpu) =>
    (what: string, [our, their]: Pair, bound: Bound = {}): GoalRow[] => {
      const [ours, theirs] = [series(our), series(their)];
      if (ours.length === 0 || theirs.length === 0) return [];
      return [toRow({ what: `${what}: ${unit}`, ...compare(ours, theirs, ratio), render: times, ...bound })];
    };
  const cpuRow = rowOf("CPU per request", cpu);
  const rateRow = rowOf("throughput", rate);
  return [
    ...cpuRow("a hit against nginx proxy_cache", ["hapta", "nginx"], { max: 0.9 }),
    ...cpuRow("a hit against Varnish", ["hapta", "varnish"], { max: 0.7 }),
    ...rateRow("a hit against PocketBase", ["hapta", "pocketbase"], { min: 30 }),
    ...rateRow("nginx's hit against PocketBase", ["nginx", "pocketbase"]),
    ...rateRow("Varnish's hit against PocketBase", ["varnish", "pocketbase"]),
    ...cpuRow("PocketBase against a hit", ["pocketbase", "hapta"]),
    toRow({
      what: "a hit: CPU per request, what the session adds",
      ...compare(cpu("hapta"), cpu("hapta guest"), (our, their) => our - their),
      render: (us) => `${us.toFixed(1)} us`,
    }),
    ...cpuRow("a 304 against a full hit", ["hapta 304", "hapta"], { max: 0.5 }),
    ...cpuRow("nginx's 304 against its full hit", ["nginx 304", "nginx"]),
    ...cpuRow("a bare 304 against a bare answer of the list's size", ["bare 304", "bare"]),
    ...cpuRow("a bare 304 against a 304", ["bare 304", "hapta 304"]),
    ...cpuRow("a bare answer of the list's size against a hit", ["bare", "hapta"]),
    ...rateRow("the smallest list, a hit against PocketBase", ["hapta, smallest", "pocketbase, smallest"]),
    ...rateRow("the smallest list, nginx's hit against PocketBase", [
      "nginx, smallest",
      "pocketbase, smallest",
    ]),
    ...cpuRow("the smallest list, PocketBase against a hit", ["pocketbase, smallest", "hapta, smallest"]),
  ];
};
