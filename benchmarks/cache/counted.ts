// Counted lists on 100,000 rows: a kept one, and the pages of one that nobody has asked for before, whose total is counted once.

import { startHapta } from "../../tests/support/hapta.ts";
import { compare, type GoalRow, ratio, times, toRow } from "../support/goals.ts";
import { orderOf } from "../support/stats.ts";
import { ask, type BenchUpstream, loginSuperuser } from "../support/upstream.ts";
import { runWrk } from "../support/wrk.ts";
import { GENEROUS } from "./targets.ts";

const ROWS = 100_000;
const PATH = "/api/collections/benchRows/records?perPage=30&sort=id";
const PAGES = 40;

/** One round: requests a second of the kept list, and the time for all pages of a list that was not kept. */
export interface CountedRun {
  readonly target: "pocketbase" | "hapta";
  readonly round: number;
  readonly requestsPerSecond: number;
  readonly pagingMs: number;
}

interface Options {
  readonly wrk: string;
  readonly upstream: BenchUpstream;
  readonly rounds: number;
  readonly seconds: number;
}

/** All rounds of both. */
export const measureCounted = async ({
  wrk,
  upstream,
  rounds,
  seconds,
}: Options): Promise<readonly CountedRun[]> => {
  await loadRows(upstream);
  await using hapta = await startHapta(upstream, { config: { ratelimit: GENEROUS } });
  const targets = [
    { target: "pocketbase", url: upstream.url, pid: upstream.pid },
    { target: "hapta", url: hapta.url, pid: hapta.child.pid },
  ] as const;
  for (const { url } of targets) await read(url + PATH);
  const runs: CountedRun[] = [];
  for (let round = 0; round < rounds; round++)
    for (const { target, url, pid } of orderOf(targets, round)) {
      const load = await runWrk({
        wrk,
        url: url + PATH,
        seconds,
        paceMs: 0,
        serverPid: pid,
        upstreamPid: upstream.pid,
      });
      const pagingMs = await page(url, round);
      const requestsPerSecond = load.requests / load.seconds;
      console.error(
        `counted round ${round + 1} ${target} ${requestsPerSecond.toFixed(0)}/s, pages ${pagingMs.toFixed(0)} ms`,
      );
      runs.push({ target, round, requestsPerSecond, pagingMs });
    }
  return runs;
};

/** Reads the pages of a list of its own, one after the other, as somebody does who scrolls. */
const page = async (url: string, round: number): Promise<number> => {
  const list = `${url}/api/collections/benchRows/records?perPage=30&filter=${encodeURIComponent(`grade>${round}`)}`;
  const startedMs = performance.now();
  for (let at = 1; at <= PAGES; at++) {
    const { totalItems } = await read(`${list}&page=${at}`);
    if (totalItems < ROWS / 2) throw new Error(`a total of ${totalItems}`);
  }
  return performance.now() - startedMs;
};

const read = async (url: string): Promise<{ readonly totalItems: number }> => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return (await response.json()) as { totalItems: number };
};

const loadRows = async ({ url }: BenchUpstream): Promise<void> => {
  const token = await loginSuperuser(url);
  const fields = [
    { name: "title", type: "text" },
    { name: "grade", type: "number" },
  ];
  const collection = { name: "benchRows", type: "base", listRule: "", viewRule: "", fields };
  await ask(url, "POST /api/collections", { token, body: collection });
  const query = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
    INSERT INTO benchRows (id, title, grade) SELECT printf('row%012d', i), 'Row ' || i, 100 + i % 100 FROM n`;
  await ask(url, "POST /api/sql", { token, body: { query } });
};

/** Rows with a verdict. */
export const countedGoals = (runs: readonly CountedRun[]): readonly GoalRow[] => {
  const series = (
    target: CountedRun["target"],
    figure: "requestsPerSecond" | "pagingMs",
  ): readonly number[] => runs.filter((run) => run.target === target).map((run) => run[figure]);
  const pair = (figure: "requestsPerSecond" | "pagingMs", isInverse: boolean) =>
    compare(series("hapta", figure), series("pocketbase", figure), (our, their) =>
      isInverse ? ratio(their, our) : ratio(our, their),
    );
  return [
    toRow({
      what: "a counted list of 100,000 rows: throughput against PocketBase warm",
      ...pair("requestsPerSecond", false),
      render: times,
      min: 100,
    }),
    toRow({
      what: `${PAGES} pages of one that was not kept: speed against PocketBase`,
      ...pair("pagingMs", true),
      render: times,
      min: 4,
    }),
  ];
};
