// Writes made past Hapta: how long after PocketBase has acknowledged one something older is still answered.
import { startHapta } from "../../tests/support/hapta.ts";
import { type GoalRow, ms, toRow } from "../support/goals.ts";
import { ask, type BenchUpstream, loginSuperuser } from "../support/upstream.ts";
import { GENEROUS } from "./targets.ts";

const WRITES = 300;
const P99_MS_MAX = 50;
const GIVEN_UP_MS = 5_000;

/** For each write, ms from its acknowledgement to the asking of the last older answer; 0 when there was none. */
export const measureStaleness = async (upstream: BenchUpstream): Promise<readonly number[]> => {
  await using hapta = await startHapta(upstream, {
    config: { ratelimit: GENEROUS, Cache: { VerifyRate: 0 } },
  });
  const token = await loginSuperuser(upstream.url);
  const { recordPath: path } = upstream;
  const found: number[] = [];
  for (let n = 0; n < WRITES; n++) {
    await untilHit(hapta.url + path);
    await ask(upstream.url, `PATCH ${path}`, { token, body: { title: `Title ${n}` } });
    found.push(await lastOlder(hapta.url + path, `Title ${n}`));
  }
  return found;
};

const untilHit = async (url: string): Promise<void> => {
  const endsMs = performance.now() + GIVEN_UP_MS;
  for (;;) {
    const response = await fetch(url);
    await response.arrayBuffer();
    if (response.headers.get("cache-status")?.includes("hit") === true) return;
    if (performance.now() > endsMs) throw new Error("the cache does not open");
  }
};

const lastOlder = async (url: string, title: string): Promise<number> => {
  const acknowledgedMs = performance.now();
  let lastMs = 0;
  for (;;) {
    const askedMs = performance.now() - acknowledgedMs;
    const { title: seen } = (await (await fetch(url)).json()) as { title: string };
    if (seen === title) return lastMs;
    lastMs = askedMs;
    if (askedMs > GIVEN_UP_MS) throw new Error(`older than the write for ${askedMs} ms`);
  }
};

/** The value that so many of a hundred do not exceed. */
export const percentile = (values: readonly number[], percent: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil((percent / 100) * values.length) - 1] ?? Number.NaN;

/** Rows with a verdict. */
export const stalenessGoals = (found: readonly number[]): readonly GoalRow[] => [
  toRow({
    what: "staleness of writes past Hapta, p50",
    value: percentile(found, 50),
    perRound: found,
    render: ms,
  }),
  toRow({
    what: "staleness of writes past Hapta, p99",
    value: percentile(found, 99),
    perRound: found,
    render: ms,
    max: P99_MS_MAX,
  }),
];
