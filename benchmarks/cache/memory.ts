// How far Hapta's memory grows with a cache that is full many times over, beside what `Cache.MaxBytes` says.
import { startHapta } from "../../tests/support/hapta.ts";
import { type GoalRow, times, toRow } from "../support/goals.ts";
import { treeResidentBytes } from "../support/processTree.ts";
import type { BenchUpstream } from "../support/upstream.ts";
import { GENEROUS, LIST } from "./targets.ts";

const BYTES_MAX = 64 * 2 ** 20;
/** Each list of about 14 KB under a key of its own: more than twice what fits. */
const LISTS = 12_000;
const WARM_UP = 4_000;
const CLIENTS = 16;

/** Resident bytes before and after, and what the cache says it holds. */
export interface MemoryRun {
  readonly before: number;
  readonly after: number;
  readonly peak: number;
}

export const measureMemory = async (upstream: BenchUpstream): Promise<MemoryRun> => {
  await using hapta = await startHapta(upstream, {
    config: { ratelimit: GENEROUS, Cache: { MaxBytes: BYTES_MAX, VerifyRate: 0 } },
  });
  // A parameter that comes twice is asked about each time, and nothing is kept of it.
  await read(WARM_UP, () => `${hapta.url}${LIST}&page=1&page=1`);
  const before = treeResidentBytes(hapta.child.pid);
  let peak = before;
  await read(LISTS, (n) => {
    if (n % 500 === 0) peak = Math.max(peak, treeResidentBytes(hapta.child.pid));
    return `${hapta.url}${LIST}&n=${n}`;
  });
  const after = treeResidentBytes(hapta.child.pid);
  return { before, after, peak: Math.max(peak, after) };
};

const read = async (count: number, urlOf: (n: number) => string): Promise<void> => {
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < count) {
      const response = await fetch(urlOf(next++));
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
};

/** Rows with a verdict. */
export const memoryGoals = ({ before, after, peak }: MemoryRun): readonly GoalRow[] => {
  const share = (bytes: number): number => (bytes - before) / BYTES_MAX;
  const row = { perRound: [share(after), share(peak)], render: times };
  return [
    toRow({
      what: "a full cache: growth of memory against Cache.MaxBytes",
      value: share(after),
      ...row,
      max: 1.2,
    }),
    toRow({ what: "a full cache: growth at its highest moment", value: share(peak), ...row }),
  ];
};
