// `bun run bench sessions`: what sessions cost beside PocketBase without them.
import { closeSync, fdatasyncSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { type Hapta, startHapta } from "../../tests/support/hapta.ts";
import { describeMachine, describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { createQuietWait, type WaitForQuiet } from "../support/quiet.ts";
import { median } from "../support/stats.ts";
import { type BenchUpstream, startUpstream } from "../support/upstream.ts";
import { measureCheckAlone } from "./checkAlone.ts";
import { measureMillion } from "./million.ts";
import { login, MEMBER, measureRefreshes, type RefreshRun } from "./refreshes.ts";
import { renderGoals, renderSessions, type SessionsResult } from "./report.ts";
import { measureWarmChecks, type WarmPair } from "./warmCheck.ts";

const RESULTS_DIR = join(import.meta.dir, "..", "results");
const QUIET_WAIT_MS = 60_000;
const SYNCS = 100;
const GENEROUS = { isEnabled: true, Max: 1_000_000, Duration: 1_000 };
/** There are many rounds of refreshes. */
const REFRESH_SECONDS_MAX = 2;

/** Measures, prints the goals with their verdicts, and writes `results/sessions.md` and the raw rounds. */
export const benchSessions = async (options: BenchOptions): Promise<void> => {
  const { rounds, seconds } = options;
  const waitForQuiet = createQuietWait(QUIET_WAIT_MS);
  await using upstream = await startUpstream();
  await using hapta = await startHapta(upstream);
  const refreshes = await measureAllRefreshes(options, upstream, { hapta, waitForQuiet });
  const warm = await measureWarm(upstream, waitForQuiet);
  const result: SessionsResult = {
    date: new Date().toISOString().slice(0, 10),
    command: options.command,
    machine: describeMachine(),
    revision: describeRevision(),
    loadAverage: loadavg()[0] ?? Number.NaN,
    rounds,
    seconds,
    checkAloneUs: await measureCheckAlone(),
    syncP50Ms: syncTime(join(upstream.dir, "sync")),
    warm,
    refreshes,
    million: await measureMillion(upstream),
  };
  console.log(renderGoals(result));
  if (options.saves) save(result);
};

/** The check has a Hapta of its own, with room for one address that asks without a pause. */
const measureWarm = async (
  upstream: BenchUpstream,
  waitForQuiet: WaitForQuiet,
): Promise<readonly WarmPair[]> => {
  await using hapta = await startHapta(upstream, { config: { ratelimit: GENEROUS } });
  return await measureWarmChecks({
    url: hapta.url,
    path: upstream.recordPath,
    token: await login(hapta.url, MEMBER),
    serverPid: hapta.child.pid,
    waitForQuiet,
  });
};

const measureAllRefreshes = async (
  { rounds, seconds }: BenchOptions,
  upstream: BenchUpstream,
  { hapta, waitForQuiet }: { readonly hapta: Hapta; readonly waitForQuiet: WaitForQuiet },
): Promise<readonly RefreshRun[]> => {
  await using asking = await startHapta(upstream, { config: { Security: { Rotation: { AskEvery: 0 } } } });
  return await measureRefreshes({
    targets: [
      { name: "direct", url: upstream.url, haptaPid: undefined },
      { name: "hapta", url: hapta.url, haptaPid: hapta.child.pid },
      { name: "asking", url: asking.url, haptaPid: asking.child.pid },
    ],
    upstreamUrl: upstream.url,
    upstreamPid: upstream.pid,
    rounds,
    seconds: Math.min(seconds, REFRESH_SECONDS_MAX),
    waitForQuiet,
  });
};

/** Median time of a sync after a write of 4 KB, in ms. */
const syncTime = (path: string): number => {
  const file = openSync(path, "w");
  const times = Array.from({ length: SYNCS }, (_, at) => {
    writeSync(file, Buffer.alloc(4096), 0, 4096, at * 4096);
    const startedMs = performance.now();
    fdatasyncSync(file);
    return performance.now() - startedMs;
  });
  closeSync(file);
  return median(times);
};

const save = (result: SessionsResult): void => {
  mkdirSync(RESULTS_DIR, { recursive: true });
  writeFileSync(join(RESULTS_DIR, `sessions-${result.date}.json`), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(RESULTS_DIR, "sessions.md"), renderSessions(result));
};
