// How far Hapta's memory grows with a cache that is full many times over, beside what `Cache.MaxBytes` says: with lists of the
// usual size, and with answers so small that what lies around them is most of it.
import { startHapta } from "../../tests/support/hapta.ts";
import { type GoalRow, times, toRow } from "../support/goals.ts";
import { treeResidentBytes } from "../support/processTree.ts";
import { median } from "../support/stats.ts";
import type { BenchUpstream } from "../support/upstream.ts";
import { SMALLEST_LIST } from "./lists.ts";
import { GENEROUS } from "./targets.ts";

const BYTES_MAX = 64 * 2 ** 20;
const GROWTH_MAX = 1.2;
/** Reads before the first look, of which nothing is kept. */
const WARM_UP = 1_500;
const CLIENTS = 16;
const LOOK_MS = 100;

/** Each with a key of its own; more than fit. */
const FILLS = {
  lists: { count: 4_000, pathOf: (n: number) => `${SMALLEST_LIST}&n=${n}` },
  // Nothing is cheaper to ask for than what is not there: 100 bytes that say so are kept, too.
  "small answers": {
    count: 30_000,
    pathOf: (n: number) => `/api/collections/benchList/records/none${String(n).padStart(11, "0")}`,
  },
} as const;

/** Resident bytes of a Hapta that was started for it: before, at the highest moment, and after. */
export interface MemoryRun {
  readonly fill: keyof typeof FILLS;
  readonly round: number;
  readonly before: number;
  readonly after: number;
  readonly peak: number;
}

/** All rounds of both. */
export const measureMemory = async (
  upstream: BenchUpstream,
  rounds: number,
): Promise<readonly MemoryRun[]> => {
  const runs: MemoryRun[] = [];
  for (let round = 0; round < rounds; round++)
    for (const fill of Object.keys(FILLS) as (keyof typeof FILLS)[]) {
      const run = { fill, round, ...(await measureOnce(upstream, fill)) };
      console.error(`memory round ${round + 1} ${fill} ${times(growthOf(run.after, run))}`);
      runs.push(run);
    }
  return runs;
};

const measureOnce = async (upstream: BenchUpstream, fill: keyof typeof FILLS) => {
  await using hapta = await startHapta(upstream, {
    config: { ratelimit: GENEROUS, Cache: { MaxBytes: BYTES_MAX, VerifyRate: 0 } },
  });
  const { count, pathOf } = FILLS[fill];
  // A parameter that comes twice is asked about each time, and nothing is kept of it.
  await read(WARM_UP, () => `${hapta.url}${SMALLEST_LIST}&page=1&page=1`);
  const before = treeResidentBytes(hapta.child.pid);
  let peak = before;
  const look = (): void => {
    peak = Math.max(peak, treeResidentBytes(hapta.child.pid));
  };
  const looking = setInterval(look, LOOK_MS);
  await read(count, (n) => hapta.url + pathOf(n));
  clearInterval(looking);
  look();
  return { before, after: treeResidentBytes(hapta.child.pid), peak };
};

const read = async (count: number, urlOf: (n: number) => string): Promise<void> => {
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < count) {
      const response = await fetch(urlOf(next++));
      await response.arrayBuffer();
      if (!response.ok && response.status !== 404) throw new Error(`${response.url}: ${response.status}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
};

const growthOf = (bytes: number, { before }: Pick<MemoryRun, "before">): number =>
  (bytes - before) / BYTES_MAX;

/** Rows with a verdict. */
export const memoryGoals = (runs: readonly MemoryRun[]): readonly GoalRow[] =>
  (Object.keys(FILLS) as (keyof typeof FILLS)[]).flatMap((fill) => {
    const row = (when: "after" | "peak", what: string, bound: { readonly max?: number }): GoalRow => {
      const perRound = runs.filter((run) => run.fill === fill).map((run) => growthOf(run[when], run));
      return toRow({ what, value: median(perRound), perRound, render: times, ...bound });
    };
    const what = `a cache full of ${fill}: growth of memory against Cache.MaxBytes`;
    return [row("after", what, { max: GROWTH_MAX }), row("peak", `${what}, at its highest moment`, {})];
  });
