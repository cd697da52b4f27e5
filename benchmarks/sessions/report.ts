// Turns raw runs into goals with a verdict and the page a person reads.
import { type Machine, renderMachine } from "../support/machine.ts";
import { median, medianRange } from "../support/stats.ts";
import type { MillionRun } from "./million.ts";
import { CLIENTS, type RefreshRun } from "./refreshes.ts";
import { WARM_CLIENTS, WARM_PAIRS, WARM_REQUESTS, type WarmPair } from "./warmCheck.ts";

export interface SessionsResult {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly revision: string;
  /** Of the last minute, when it was done. */
  readonly loadAverage: number;
  readonly rounds: number;
  readonly seconds: number;
  /** CPU time of one warm check in a loop, in us. */
  readonly checkAloneUs: number;
  /** One write of 4 KB and its sync on this disk at that time, in ms. */
  readonly syncP50Ms: number;
  readonly warm: readonly WarmPair[];
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

const addedOf = (warm: readonly WarmPair[]): number[] =>
  warm.map(({ memberCpuUs, guestCpuUs }) => memberCpuUs - guestCpuUs);

const warmRow = (warm: readonly WarmPair[]): Row => {
  const added = addedOf(warm);
  const [low, high] = medianRange(added);
  return {
    what: "CPU that a token adds to a request, over HTTP",
    measured: `${median(added).toFixed(2)} us (${low.toFixed(2)} to ${high.toFixed(2)})`,
    range: `middle half ${quartile(added, 0.25).toFixed(1)} to ${quartile(added, 0.75).toFixed(1)}, all ${rangeOf(added, 1, " us")}`,
    goal: `at most ${US_ADDED_MAX} us`,
    isMet: median(added) <= US_ADDED_MAX,
  };
};

const quartile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.round(share * (values.length - 1))] ?? Number.NaN;

const cpuRow = (refreshes: readonly RefreshRun[], clients: number, through: "hapta" | "asking"): Row => {
  const of = (target: RefreshRun["target"], cpu: "haptaCpuUs" | "upstreamCpuUs"): string =>
    median(
      refreshes.filter((run) => run.target === target && run.clients === clients).map((run) => run[cpu]),
    ).toFixed(0);
  return {
    what: `CPU of a refresh of ${clients} clients${through === "asking" ? ", asking each time" : ""}`,
    measured: `Hapta ${of(through, "haptaCpuUs")} us and PocketBase ${of(through, "upstreamCpuUs")} us; PocketBase alone ${of("direct", "upstreamCpuUs")} us`,
    range: "",
    goal: "",
    isMet: undefined,
  };
};

/** Refreshes as shipped against PocketBase's own, and for information those where PocketBase is asked each time. */
const refreshRow = (refreshes: readonly RefreshRun[], clients: number, target: "hapta" | "asking"): Row => {
  const runsOf = (name: RefreshRun["target"]): readonly RefreshRun[] =>
    refreshes.filter((run) => run.target === name && run.clients === clients);
  const ratesOf = (name: RefreshRun["target"]): number[] => runsOf(name).map((run) => run.perSecond);
  const [rates, direct] = [ratesOf(target), ratesOf("direct")];
  const share = median(rates) / median(direct);
  const unasked = median(runsOf(target).map((run) => run.unasked / run.requests));
  const how =
    target === "asking" ? "asking each time" : `${(unasked * 100).toFixed(1)} % of them not asked for`;
  return {
    what: `refreshes of ${clients} client${clients === 1 ? "" : "s"} against PocketBase's own, ${how}`,
    measured: `${share.toFixed(2)}x (${Math.round(median(rates))}/s, ${Math.round(median(direct))}/s)`,
    range: rangeOf(
      rates.map((rate, round) => rate / (direct[round] ?? Number.NaN)),
      2,
      "x",
    ),
    goal: target === "asking" ? "" : `at least ${REFRESH_SHARE_MIN}x`,
    isMet: target === "asking" ? undefined : share >= REFRESH_SHARE_MIN,
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
  ...CLIENTS.map((clients) => refreshRow(refreshes, clients, "hapta")),
  ...CLIENTS.map((clients) => refreshRow(refreshes, clients, "asking")),
  cpuRow(refreshes, 10, "hapta"),
  cpuRow(refreshes, 10, "asking"),
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
  const { command, date, revision, machine, million, warm, rounds, seconds, loadAverage } = result;
  const guestUs = median(warm.map((pair) => pair.guestCpuUs));
  return `# Sessions

Made by \`${command}\` on ${date}, revision ${revision}. Raw rounds: \`sessions-${date}.json\`.

${renderGoals(result)}

## How it was measured

- Machine: ${renderMachine(machine)}. Load generator, Hapta and PocketBase share it.
- Load average at the end: ${loadAverage.toFixed(1)}.
- CPU that a token adds: ${WARM_PAIRS} pairs of rounds that take turns, each of ${WARM_REQUESTS} requests of ${WARM_CLIENTS} clients for one
  public record that Hapta keeps, as fast as it answers, with a member's token and without; a guest's cost ${guestUs.toFixed(1)} us. CPU of
  Hapta's threads from the scheduler. The figure is the median of the differences within the pairs; in parentheses where
  the median of endless pairs lies with 95 % confidence. It includes recognising the longer head.
- Refreshes: medians of ${rounds} rounds of ${Math.min(seconds, 2)} s, the order flipped from round to round, after 3 s that do not count.
  Each client has a connection and a login of its own and sends each token once, the next as soon as it has it: far more often
  than any app, which is why PocketBase need not be asked for nearly all of them (\`Security.Rotation.AskEvery\`, 60 s). What a
  refresh costs that comes alone is in the rows that ask each time.
- PocketBase signs a token and stores nothing. Hapta checks the token, stores the new generation with its event and signs its
  own; when it asks, it also locks PocketBase's new token.
- A sync of 4 KB, which logins and endings wait for and rotations do not, took ${result.syncP50Ms.toFixed(2)} ms (median).
- The million: ${million.used} opened ones and copies of one of them, ${(million.fileBytes / 1e6).toFixed(0)} MB on disk. From the start of the process to
  the first 200 of \`/auth/verify\`, then ${million.used} different tokens, more than the caches hold; ${million.failed} failed. Peak memory is
  VmHWM: ${(million.peakBytesAtFirstAnswer / 1e6).toFixed(0)} MB at the first answer.
`;
};
