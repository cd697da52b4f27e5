// Turns raw runs into the page a person reads.
import { type GoalRow, renderGoals, table } from "../support/goals.ts";
import { LINK_GBITS } from "../support/link.ts";
import { type Machine, renderMachine } from "../support/machine.ts";
import { median } from "../support/stats.ts";
import type { BulkRun } from "./bulk.ts";
import { select, summarise } from "./goals.ts";
import { PACE_MS, type SmallGetRun } from "./smallGets.ts";
import type { TargetName } from "./targets.ts";

export interface RelayResult {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  /** Commit under test; "+" with changes on top. */
  readonly revision: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly seconds: number;
  readonly targets: readonly TargetName[];
  /** Label to path. */
  readonly paths: Readonly<Record<string, string>>;
  readonly goals: readonly GoalRow[];
  readonly smallGets: readonly SmallGetRun[];
  readonly bulk: readonly BulkRun[];
  /** The same, for a client behind a link; none where there was no way to have one. */
  readonly overLink: readonly BulkRun[];
}

const renderSmallGets = ({ smallGets, targets }: RelayResult, path: string): string => {
  const rows = (["closed", "paced"] as const).flatMap((pace) =>
    targets.map((target) => {
      const figures = summarise(select(smallGets, { target, path, pace }));
      return [
        pace,
        target,
        figures.ratePerSecond.toFixed(0),
        figures.p50Us.toFixed(0),
        figures.p99Us.toFixed(0),
        figures.cpuUs.toFixed(1),
        `${(figures.cpuSpread * 100).toFixed(0)} %`,
        String(figures.failed),
      ];
    }),
  );
  return table(["load", "target", "req/s", "p50 us", "p99 us", "CPU us/req", "CPU spread", "failed"], rows);
};

const renderBulk = (runs: readonly BulkRun[]): string => {
  const groups = Map.groupBy(runs, (run) => `${run.direction} ${run.target}`);
  const rows = [...groups].map(([group, members]) => [
    group,
    (median(members.map((run) => run.bytesPerSecond)) / 1e6).toFixed(0),
    (median(members.map((run) => run.cpuUs)) / 1000).toFixed(0),
    (Math.max(...members.map((run) => run.peakGrowthBytes)) / 1e6).toFixed(1),
  ]);
  return table(["1 GB", "MB/s", "CPU ms", "peak growth MB"], rows);
};

/** The whole page, in Markdown. */
export const renderRelay = (result: RelayResult): string => {
  const { machine, paths, versions } = result;
  const quiet = result.smallGets.map((run) => run.foreignCpus);
  const discarded = result.smallGets.reduce((sum, run) => sum + run.discarded, 0);
  return `# Relay

Made by \`${result.command}\` on ${result.date}, revision ${result.revision}. Raw rounds: \`relay-${result.date}.json\`.

${renderGoals(result.goals)}

${Object.entries(paths)
  .map(([label, path]) => `## Small GET: ${label} (\`${path}\`)\n\n${renderSmallGets(result, label)}`)
  .join("\n\n")}

## One gigabyte

${renderBulk(result.bulk)}

## One gigabyte over a link of ${LINK_GBITS} Gbit/s

${renderBulk(result.overLink)}

## How it was measured

- Machine: ${renderMachine(machine)}. Load generator, server under test and PocketBase share it.
- Versions: ${Object.entries(versions)
    .map(([name, version]) => `${name}: ${version}`)
    .join("; ")}.
- Every target stands in front of one and the same PocketBase: nginx with one worker and kept-alive upstream
  connections, Caddy's plain reverse_proxy, HAProxy with one thread and bodies spliced in the kernel, Hapta as \`bun run src/index.ts\`
  with its cache and its kept files off; no access logs.
- wrk, one thread, 32 kept-alive connections, ${result.seconds} s per run, ${result.rounds} rounds, the order rotated and
  flipped from round to round. Figures are medians; the spread is (max - min) / median over the rounds.
- _closed_: a connection asks again as soon as it has its answer. All CPUs are busy then, so the added p50 of a
  proxy is mostly the CPU time that it takes from PocketBase. _paced_: each connection first waits ${PACE_MS} ms on
  average (evenly from half to one and a half times that), so that all targets get the same rate, far from saturation.
- CPU per request: user and system time of the server's whole process tree, from /proc, over completed requests.
- A run starts when the machine is quiet. Runs during which other programs used more than 0.15 CPUs were repeated
  up to twice and the one with the least of it was kept, whatever it measured; ${discarded} were thrown away, and in
  those that count others used ${median(quiet).toFixed(2)} CPUs (median; worst ${Math.max(...quiet).toFixed(2)}).
- _measured_ is made from medians over all rounds and decides the verdict; _single rounds_ shows how far one round
  alone can be from it. A goal inside that range is not settled by this result.
- One gigabyte: curl, 1,000,000,000 bytes from PocketBase's public folder, or to a hook route that reads and drops
  them. Started in a quiet moment, but not repeated when other programs got busy meanwhile. Growth is the server's
  peak resident size (VmHWM) after all rounds so far, minus that after one 8 MB transfer each way.
- Without a link, a transfer keeps all CPUs busy: the client, the relay and PocketBase take them from each other.
  Over the link, all run in a network namespace in which tc gives what curl sends and gets the speed of the link each
  way, and the hop between Hapta and PocketBase none.
`;
};
