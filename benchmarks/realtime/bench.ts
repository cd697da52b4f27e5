// `bun run bench realtime`: what clients cost in memory, how fast one event reaches ten thousand of them, and what they
// cost PocketBase's writers, beside PocketBase with the same clients in the same run.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeMachine, describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { orderOf } from "../support/stats.ts";
import { type BenchUpstream, startUpstream } from "../support/upstream.ts";
import { type Crowd, type Fleet, startFleet } from "./fleet.ts";
import { createLive, hurry, settle, TOPIC, tell, WARM, writeFor } from "./live.ts";
import { measureMemory } from "./memory.ts";
import { render, WRITTEN_SHARE } from "./report.ts";
import {
  type Results,
  type Spread,
  SUBSCRIBERS,
  type Target,
  type Writing,
  type Written,
} from "./results.ts";
import { type Started, startTarget } from "./targets.ts";

const PROCESSES = 2;
/** Of each target in each round. */
const EVENTS = 4;
/** Between two events, so that one is over before the next. */
const PAUSE_MS = 300;
const HEAR_MS = 10_000;
/** A flood for a few clients before anything is measured: who serves ten thousand is no process of a few seconds. */
const WARM_MS = 5_000;
const WARM_CLIENTS = 100;
/** No round is begun after so long: a busy machine measures fewer of them. */
const ROUNDS_MS_MAX = 190_000;

/** Measures, prints a page, and writes `results/realtime.md` and the raw rounds. */
export const benchRealtime = async (options: BenchOptions): Promise<void> => {
  await using upstream = await startUpstream();
  await createLive(upstream.url);
  const spreads: Spread[] = [];
  const writings: Writing[] = [];
  const untilMs = performance.now() + ROUNDS_MS_MAX;
  for (let round = 0; round < options.rounds && performance.now() < untilMs; round++) {
    for (const target of orderOf<Target>(["hapta", "pocketbase", "bare"], round)) {
      const found = await measureTarget({ target, upstream, seconds: options.seconds, round });
      spreads.push(...found.spreads);
      if (found.writing !== undefined) writings.push(found.writing);
    }
  }
  const memory = [...(await measureMemory(upstream, 2)), ...(await measureMemory(upstream, 3))];
  const results: Results = { memory, spreads, writings };
  const page = render(options, results);
  console.log(page);
  if (options.saves) save(options, results, page);
};

interface Measuring {
  readonly target: Target;
  readonly upstream: BenchUpstream;
  readonly seconds: number;
  readonly round: number;
}

const measureTarget = async (
  measuring: Measuring,
): Promise<{ readonly spreads: Spread[]; readonly writing: Writing | undefined }> => {
  const { target, round, seconds } = measuring;
  // PocketBase with so many clients writes a few records a second: once is enough to say so.
  const isWritten = target === "hapta" || (target === "pocketbase" && round === 0);
  if (!isWritten) return { spreads: await withCrowd(measuring, tellAll), writing: undefined };
  const ms = seconds * WRITTEN_SHARE * 1000;
  const early = round % 2 === 0 ? await writeAlone(measuring, ms) : undefined;
  const { spreads, beside } = await withCrowd(measuring, async (crowded) => ({
    spreads: await tellAll(crowded),
    beside: await writePast(crowded, ms),
  }));
  const alone = early ?? (await writeAlone(measuring, ms));
  return { spreads, writing: { target, round, alone, beside } };
};

interface Measured extends Measuring {
  readonly started: Started;
}

interface Crowded extends Measured {
  readonly fleet: Fleet;
}

const withCrowd = async <T>(measuring: Measuring, work: (crowded: Crowded) => Promise<T>): Promise<T> => {
  await using started = await startWarm(measuring);
  const count = SUBSCRIBERS / PROCESSES;
  const crowd: Crowd = { kind: "sse", port: started.port, count, addresses: 1, topic: TOPIC };
  await using fleet = await startFleet(Array.from({ length: PROCESSES }, () => crowd));
  await settle(started.haptaPid ?? measuring.upstream.pid);
  return await work({ ...measuring, started, fleet });
};

const startWarm = async ({ target, upstream }: Measuring): Promise<Started> => {
  const started = await startTarget(target, upstream);
  try {
    if (target === "hapta") await warm(started);
  } catch (error) {
    await started[Symbol.asyncDispose]();
    throw error;
  }
  return started;
};

// The flood is over when its last event was heard; then its listeners go.
const warm = async ({ port, url }: Started): Promise<void> => {
  const topic = `${WARM}/*`;
  await using fleet = await startFleet([{ kind: "sse", port, count: WARM_CLIENTS, addresses: 1, topic }]);
  await hurry(url, WARM_MS, WARM);
  await tell(url, WARM);
  await fleet.hear(fleet.count, HEAR_MS);
};

// With a target of its own: what clients have left behind in one is no part of what it is without them.
const writeAlone = async (measuring: Measuring, ms: number): Promise<Written> => {
  await using started = await startWarm(measuring);
  return await writePast({ ...measuring, started }, ms);
};

const writePast = (
  { upstream: { url, pid }, started: { haptaPid } }: Measured,
  ms: number,
): Promise<Written> => writeFor({ url, pid, haptaPid }, ms);

const tellAll = async ({ target, round, started, fleet }: Crowded): Promise<Spread[]> => {
  const spreads: Spread[] = [];
  for (let event = 0; event < EVENTS; event++) {
    await Bun.sleep(PAUSE_MS);
    await tell(started.url);
    const { delaysMs } = await fleet.hear(fleet.count, HEAR_MS);
    spreads.push({ target, round, ...spreadOf(delaysMs) });
  }
  return spreads;
};

const spreadOf = (delaysMs: readonly number[]): Omit<Spread, "target" | "round"> => {
  const sorted = delaysMs.toSorted((one, two) => one - two);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), heard: sorted.length };
};

const save = (options: BenchOptions, results: Results, page: string): void => {
  const dir = join(import.meta.dir, "..", "results");
  mkdirSync(dir, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const about = { date, command: options.command, machine: describeMachine(), revision: describeRevision() };
  writeFileSync(join(dir, `realtime-${date}.json`), `${JSON.stringify({ ...about, ...results }, null, 1)}\n`);
  writeFileSync(join(dir, "realtime.md"), page);
};
