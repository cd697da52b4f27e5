// Turns the figures of the limits into goals with a verdict and the page a person reads.
import { type Machine, renderMachine } from "../support/machine.ts";
import { median } from "../support/stats.ts";
import type { DecisionRun } from "./decisions.ts";
import type { FloodRun } from "./flood.ts";
import type { HeaderRun } from "./headers.ts";
import type { TenMillionRun } from "./tenMillion.ts";

export interface LimitsResult {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly revision: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly decisions: readonly DecisionRun[];
  readonly headers: HeaderRun;
  readonly tenMillion: TenMillionRun;
  readonly flood: readonly FloodRun[];
}

const DECISION_US_MAX = 1;
const BYTES_MAX = 256e6;
const P99_FACTOR_MAX = 2;

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly goal: string;
  readonly isMet: boolean | undefined;
}

const floodRows = (flood: readonly FloodRun[]): Row[] => {
  const of = (phase: FloodRun["phase"], figure: (run: FloodRun) => number): number =>
    median(flood.filter((run) => run.phase === phase).map(figure));
  const [calm, loaded] = [of("calm", (run) => run.honestP99Ms), of("flood", (run) => run.honestP99Ms)];
  const factors = flood
    .filter(({ phase }) => phase === "flood")
    .map((run) => {
      const pair = flood.find((other) => other.round === run.round && other.phase === "calm");
      return run.honestP99Ms / (pair?.honestP99Ms ?? Number.NaN);
    });
  const allowed = of("flood", (run) => run.floodAllowedPerSecond);
  const sent = of("flood", (run) => run.floodPerSecond);
  const failed = flood.reduce((sum, run) => sum + run.honestFailed, 0);
  return [
    {
      what: "honest clients' p99 under a flood of ten times their traffic",
      measured: `${(loaded / calm).toFixed(2)}x (${loaded.toFixed(1)} ms, calm ${calm.toFixed(1)} ms; rounds ${factors.map((factor) => factor.toFixed(2)).join(", ")})`,
      goal: `at most ${P99_FACTOR_MAX}x`,
      isMet: loaded <= P99_FACTOR_MAX * calm,
    },
    {
      what: "honest requests that failed, of all",
      measured: `${failed} of ${flood.reduce((sum, run) => sum + run.honestRequests, 0)}`,
      goal: "0",
      isMet: failed === 0,
    },
    {
      what: "of the flood, let through to PocketBase",
      measured: `${allowed.toFixed(1)}/s of ${sent.toFixed(0)}/s`,
      goal: "its own budget of 10/s, nothing else",
      isMet: allowed <= 10.5,
    },
    {
      what: "CPUs PocketBase kept busy, flood against calm",
      measured: `${of("flood", (run) => run.upstreamCpus).toFixed(3)} against ${of("calm", (run) => run.upstreamCpus).toFixed(3)}`,
      goal: "",
      isMet: undefined,
    },
  ];
};

const toRows = ({ decisions, headers, tenMillion, flood }: LimitsResult): Row[] => [
  ...decisions.map(({ what, us }) => ({
    what: `CPU of one decision, ${what}`,
    measured: `${median(us).toFixed(2)} us (runs ${Math.min(...us).toFixed(2)} to ${Math.max(...us).toFixed(2)})`,
    goal: what.startsWith("4") ? `at most ${DECISION_US_MAX} us` : "",
    isMet: what.startsWith("4") ? median(us) <= DECISION_US_MAX : undefined,
  })),
  {
    what: `CPU of the two headers that say what is left, ${headers.bytes} bytes`,
    measured: `${median(headers.us).toFixed(2)} us (runs ${Math.min(...headers.us).toFixed(2)} to ${Math.max(...headers.us).toFixed(2)})`,
    goal: "",
    isMet: undefined,
  },
  {
    what: "10,000,000 keys that limit at the same time: memory",
    measured: `${(tenMillion.bytes / 1e6).toFixed(0)} MB`,
    goal: `under ${BYTES_MAX / 1e6} MB`,
    isMet: tenMillion.bytes < BYTES_MAX,
  },
  {
    what: "of the first 1,000 of them, all over their limit, let in again",
    measured: `${tenMillion.forgotten}`,
    goal: "0",
    isMet: tenMillion.forgotten === 0,
  },
  {
    what: "of them, found their bucket full and share a slot",
    measured: `${tenMillion.shared} (${((tenMillion.shared / tenMillion.keys) * 100).toFixed(3)} %)`,
    goal: "",
    isMet: undefined,
  },
  ...floodRows(flood),
];

/** The goals as a table. */
export const renderGoals = (result: LimitsResult): string =>
  [
    "| what | measured | goal | verdict |",
    "| --- | --- | --- | --- |",
    ...toRows(result).map(({ what, measured, goal, isMet }) => {
      const verdict = isMet === undefined ? "for information" : isMet ? "met" : "missed";
      return `| ${what} | ${measured} | ${goal} | ${verdict} |`;
    }),
  ].join("\n");

const foreignOf = ({ flood }: LimitsResult): string => {
  const all = flood.flatMap(({ foreignCpus }) => foreignCpus ?? []);
  return `${median(all).toFixed(2)} CPUs (median; worst ${Math.max(...all).toFixed(2)})`;
};

/** The whole page. */
export const renderLimits = (result: LimitsResult): string => {
  const { command, date, revision, machine, rounds, seconds } = result;
  return `# Limits

Made by \`${command}\` on ${date}, revision ${revision}. Raw rounds: \`limits-${date}.json\`.

${renderGoals(result)}

## How it was measured

- Machine: ${renderMachine(machine)}. Load generators, Hapta and PocketBase share it.
- During the floods, other programs used ${foreignOf(result)}. With much of that, times of
  single requests say little; CPU times say more.
- Decisions: a loop of 500,000 over 4,096 callers, CPU time of the process, median and range of seven runs after one that
  does not count. An IPv6 address is counted in three blocks.
- Ten million keys: a process of its own; growth of its resident size, garbage collected before both readings. Every key is
  over its limit all the time, so none may make room.
- Flood: 20 honest clients, each from an address of its own, five requests a second each, one public record; wrk from one
  further address at ten times their rate, over its limit from the start. Medians of ${rounds} rounds of ${seconds} s, calm and
  flood in turns, the order flipped from round to round.
`;
};
