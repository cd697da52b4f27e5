// The page of the benchmark of files: what it is held to, with verdicts, and the figures behind it. Measures nothing.
import {
  compare,
  type Figure,
  type GoalRow,
  ratio,
  renderGoals,
  table,
  times,
  toRow,
} from "../support/goals.ts";
import { LINK_GBITS } from "../support/link.ts";
import type { BenchOptions } from "../support/options.ts";
import { median } from "../support/stats.ts";
import { BULK_BYTES } from "./fixture.ts";
import type { HitRun } from "./hits.ts";
import { DOWNLOAD_ROUNDS } from "./overLink.ts";
import type { TransferRun } from "./transfers.ts";

/** The raw rounds. */
export interface Measured {
  /** For a client behind a link; none where there was no way to have one. */
  readonly overLink: readonly TransferRun[];
  readonly transfers: readonly TransferRun[];
  readonly hits: readonly HitRun[];
}

/** Renders it in Markdown. */
export const renderPage = (
  { command, rounds, seconds }: BenchOptions,
  { overLink, transfers, hits }: Measured,
): string => `# Files

\`${command}\`, ${rounds} rounds with the order changed each time. Hapta's limits are on, nobody is signed in.

${renderGoals([...linkRows(overLink), ...hitRows(hits), ...bareRows(transfers)])}

## ${BULK_BYTES / 1e6} MB over a link of ${LINK_GBITS} Gbit/s

${renderTransfers(overLink)}

## ${BULK_BYTES / 1e6} MB without a link

${renderTransfers(transfers)}

## Kept files

${renderHits(hits)}

## How it was measured

- Client, server under test and PocketBase share one machine. Over the link all run in a network namespace in which tc
  gives what curl sends and gets the speed of the link each way, as a client on another machine has it, and the hop
  between Hapta and PocketBase none. A transfer without a link keeps all CPUs busy, and client, relay and PocketBase take
  them from each other: how fast it is says what CPU time each has used. A relay adds its own to that of the others, so
  the goal of speed is held over the link, and what other relays reach without it stands beside Hapta: nginx, which
  copies each byte, HAProxy, whose bodies never leave the kernel (splice), and for kept files nginx with sendfile.
- Downloads come before uploads, with nothing left to be written to the disk, and over the link ${DOWNLOAD_ROUNDS} rounds of them for
  each of the others: one takes a third of a second, and who shares the machine can double the CPU time of all in it.
- Each transfer: curl, one file; as a form on its way up, to a collection that anybody may write to. CPU: user and system
  time of the server's whole process tree.
- Kept files: wrk, ${seconds} s per run over 32 connections that ask without a pause; nginx with sendfile and one worker.
- _measured_ is made from medians over all rounds and decides the verdict; _single rounds_ shows how far one round alone
  can be from it. A goal inside that range is not settled by this result.
`;

const SHARE_MIN = 0.9;

type Way = Pick<TransferRun, "direction" | "target">;

/** Hapta's, and how its rows are called. */
const OURS: readonly (readonly [Way, string])[] = [
  [{ direction: "upload", target: "hapta" }, "upload of a form"],
  [{ direction: "download", target: "hapta" }, "download through Hapta"],
  [{ direction: "download", target: "kept" }, "download that is kept"],
];
const OTHERS: readonly (readonly [Way, string])[] = [
  [{ direction: "download", target: "nginx" }, "download through nginx"],
  [{ direction: "download", target: "haproxy" }, "download through HAProxy with splice"],
  [{ direction: "download", target: "static" }, "download of the file from nginx"],
];

const linkRows = (runs: readonly TransferRun[]): readonly GoalRow[] =>
  OURS.flatMap(([way, what]) =>
    speedsOf(runs, way, `${what} over ${LINK_GBITS} Gbit/s`).map((figure) =>
      toRow({ ...figure, min: SHARE_MIN }),
    ),
  );

const bareRows = (runs: readonly TransferRun[]): readonly GoalRow[] =>
  [...OURS, ...OTHERS].flatMap(([way, what]) => speedsOf(runs, way, `${what} without a link`).map(toRow));

/** Speed of a target against a direct connection; nothing of one that was not there. */
const speedsOf = (runs: readonly TransferRun[], way: Way, what: string): readonly Figure[] => {
  const speeds = ({ direction, target }: Way): readonly number[] =>
    runs
      .filter((run) => run.direction === direction && run.target === target)
      .map(({ bytesPerSecond }) => bytesPerSecond);
  const ours = speeds(way);
  const direct = speeds({ ...way, target: "direct" });
  if (ours.length === 0) return [];
  return [{ what: `${what}: speed against direct`, ...compare(ours, direct, ratio), render: times }];
};

const hitRows = (runs: readonly HitRun[]): readonly GoalRow[] => {
  const cpu = (what: HitRun["what"], target: HitRun["target"]): readonly number[] =>
    runs
      .filter((run) => run.what === what && run.target === target)
      .map(({ cpuUsPerRequest }) => cpuUsPerRequest);
  return [
    toRow({
      what: "kept 1 MB: CPU against nginx",
      ...compare(cpu("1 MB", "hapta"), cpu("1 MB", "nginx"), ratio),
      render: times,
      max: 1.2,
    }),
    toRow({
      what: "kept thumb: CPU of PocketBase against it",
      ...compare(cpu("thumb", "pocketbase"), cpu("thumb", "hapta"), ratio),
      render: times,
      min: 20,
    }),
  ];
};

const renderTransfers = (runs: readonly TransferRun[]): string => {
  const groups = Map.groupBy(runs, ({ direction, target }) => `${direction} ${target}`);
  const rows = [...groups].map(([group, members]) => [
    group,
    cell(
      members.map(({ bytesPerSecond }) => bytesPerSecond / 1e6),
      0,
    ),
    cell(
      members.map(({ cpuUs }) => cpuUs / 1000),
      0,
    ),
  ]);
  return table([`${BULK_BYTES / 1e6} MB`, "MB/s", "CPU ms"], rows);
};

const renderHits = (runs: readonly HitRun[]): string => {
  const groups = Map.groupBy(runs, ({ what, target }) => `${what} ${target}`);
  const rows = [...groups].map(([group, members]) => [
    group,
    cell(
      members.map(({ requestsPerSecond }) => requestsPerSecond),
      0,
    ),
    cell(
      members.map(({ cpuUsPerRequest }) => cpuUsPerRequest),
      1,
    ),
    Math.max(...members.map(({ foreignCpus }) => foreignCpus)).toFixed(2),
  ]);
  return table(["kept", "requests/s", "CPU us per request", "CPUs busy elsewhere, at most"], rows);
};

/** The median, with the smallest and the largest. */
const cell = (values: readonly number[], digits: number): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;
