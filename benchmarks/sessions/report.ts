// Turns raw runs into goals with a verdict and the page a person reads.
import type { Machine } from "../support/machine.ts";
import { median, spread } from "../support/stats.ts";
import type { MillionRun } from "./million.ts";
import { CLIENTS, type RefreshRun } from "./refreshes.ts";
import type { WarmRun } from "./warmCheck.ts";

export interface SessionsResult {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly revision: string;
  readonly rounds: number;
  readonly seconds: number;
  /** CPU time of one warm check in a loop, in us. */
  readonly checkAloneUs: number;
  /** One write of 4 KB and its sync on this disk at that time, in ms. */
  readonly syncP50Ms: number;
  readonly warm: readonly WarmRun[];
  readonly refreshes: readonly RefreshRun[];
  readonly million: MillionRun;
}

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly range: string;
  readonly goal: string;
  readonly isMet: boolean | undefined;
}

const US_ADDED_MAX = 3;
const REFRESH_SHARE_MIN = 0.8;
const BYTES_MAX = 1e9;
const FIRST_ANSWER_MS_MAX = 5_000;

const rangeOf = (values: readonly number[], digits: number, unit: string): string =>
  `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}${unit}`;

const warmRow = (warm: readonly WarmRun[]): Row => {
  const cpu = (caller: WarmRun["caller"]): number[] =>
    warm.filter((run) => run.caller === caller).map((run) => run.cpuUsPerRequest);
  const [member, guest] = [cpu("member"), cpu("guest")];
  const added = member.map((us, round) => us - (guest[round] ?? Number.NaN));
  return {
    what: "CPU that a token adds to a request, over HTTP",
    measured: `${(median(member) - median(guest)).toFixed(1)} us`,
    range: rangeOf(added, 1, " us"),
    goal: `at most ${US_ADDED_MAX} us`,
    isMet: median(member) - median(guest) <= US_ADDED_MAX,
  };
};

const refreshRow = (refreshes: readonly RefreshRun[], clients: number): Row => {
  const rates = (target: RefreshRun["target"]): number[] =>
    refreshes.filter((run) => run.target === target && run.clients === clients).map((run) => run.perSecond);
  const [hapta, direct] = [rates("hapta"), rates("direct")];
  const share = median(hapta) / median(direct);
  return {
    what: `refreshes of ${clients} client${clients === 1 ? "" : "s"} against PocketBase's own`,
    measured: `${share.toFixed(2)}x (${Math.round(median(hapta))}/s, ${Math.round(median(direct))}/s)`,
    range: rangeOf(
      hapta.map((rate, round) => rate / (direct[round] ?? Number.NaN)),
      2,
      "x",
    ),
    goal: `at least ${REFRESH_SHARE_MIN}x`,
    isMet: share >= REFRESH_SHARE_MIN,
  };
};

const millionRows = (million: MillionRun): Row[] => [
  {
    what: "1,000,000 sessions: from start to the first answer with a token",
    measured: `${(million.firstAnswerMs / 1000).toFixed(2)} s`,
    range: "",
    goal: `at most ${FIRST_ANSWER_MS_MAX / 1000} s`,
    isMet: million.firstAnswerMs <= FIRST_ANSWER_MS_MAX,
  },
  {
    what: `1,000,000 sessions: peak memory after ${million.used} of them were used`,
    measured: `${(million.peakBytes / 1e6).toFixed(0)} MB`,
    range: "",
    goal: `at most ${BYTES_MAX / 1e6} MB`,
    isMet: million.peakBytes <= BYTES_MAX,
  },
];

const toRows = ({ warm, checkAloneUs, refreshes, million }: SessionsResult): Row[] => [
  warmRow(warm),
  {
    what: "CPU of one check, alone in a loop",
    measured: `${checkAloneUs.toFixed(2)} us`,
    range: "",
    goal: "",
    isMet: undefined,
  },
  ...millionRows(million),
  ...CLIENTS.map((clients) => refreshRow(refreshes, clients)),
];

/** The goals as a table. */
export const renderGoals = (result: SessionsResult): string =>
  [
    "| what | measured | single rounds | goal | verdict |",
    "| --- | --- | --- | --- | --- |",
    ...toRows(result).map(({ what, measured, range, goal, isMet }) => {
      const verdict = isMet === undefined ? "for information" : isMet ? "met" : "missed";
      return `| ${what} | ${measured} | ${range} | ${goal} | ${verdict} |`;
    }),
  ].join("\n");

/** The whole page. */
export const renderSessions = (result: SessionsResult): string => {
  const { command, date, revision, machine, million, warm, rounds, seconds } = result;
  const foreign = warm.map((run) => run.foreignCpus);
  const cpuSpread = spread(warm.filter((run) => run.caller === "guest").map((run) => run.cpuUsPerRequest));
  return `# Sessions

Made by \`${command}\` on ${date}, revision ${revision}. Raw rounds: \`sessions-${date}.json\`.

${renderGoals(result)}

## How it was measured

- Machine: ${machine.cpu}, ${machine.cpus} CPUs${machine.isVirtual ? " (virtual)" : ""}, ${machine.memoryGb} GB, Linux ${machine.kernel}, Bun ${machine.bun}. Load generator, Hapta and PocketBase share it.
- During the rounds of the check, other programs used ${median(foreign).toFixed(2)} CPUs (median; worst ${Math.max(...foreign).toFixed(2)}), and guests' CPU per
  request spread by ${(cpuSpread * 100).toFixed(0)} %. With much of either, the figures say little about differences of a few us.
- Medians of ${rounds} rounds of ${seconds} s, the order flipped from round to round, after one round that does not count.
- CPU that a token adds: wrk, 32 connections at an equal, low rate, one public record through one Hapta, with a member's token and
  without; CPU of Hapta's process from /proc over completed requests. It includes reading and writing the longer head.
- Refreshes: each client has a connection and a login of its own and sends each token once. PocketBase stores nothing
  for a refresh; Hapta stores the new generation and syncs it to the disk before it answers. One write of 4 KB with
  its sync took ${result.syncP50Ms.toFixed(2)} ms (median) on this disk at the time: a single client cannot be faster than that.
- The million: ${million.used} opened ones and copies of one of them, ${(million.fileBytes / 1e6).toFixed(0)} MB on disk. From the start of the process to
  the first 200 of \`/auth/verify\`, then ${million.used} different tokens, more than the caches hold; ${million.failed} failed. Peak memory is
  VmHWM: ${(million.peakBytesAtFirstAnswer / 1e6).toFixed(0)} MB at the first answer.
`;
};
