// `bun run bench realtime`: what clients cost in memory, how fast one event reaches ten thousand of them, and what they
// cost PocketBase's writers, beside PocketBase with the same clients in the same run.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startHapta } from "../../tests/support/hapta.ts";
import { describeMachine, describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { type BenchUpstream, startUpstream } from "../support/upstream.ts";
import { type Crowd, startFleet } from "./fleet.ts";
import { createLive, settle, TOPIC, tell, writeFor } from "./live.ts";
import { measureMemory } from "./memory.ts";
import { render } from "./report.ts";
import { CONFIG, type Results, type Spread, SUBSCRIBERS, type Writing } from "./results.ts";

const PROCESSES = 2;
/** Between two events, so that one is over before the next. */
const PAUSE_MS = 300;
const HEAR_MS = 10_000;

/** Measures, prints a page, and writes `results/realtime.md` and the raw rounds. */
export const benchRealtime = async (options: BenchOptions): Promise<void> => {
  await using upstream = await startUpstream();
  await createLive(upstream.url);
  const spreads: Spread[] = [];
  const writings: Writing[] = [];
  for (let round = 0; round < 2; round++) {
    const order = round === 0 ? (["hapta", "pocketbase"] as const) : (["pocketbase", "hapta"] as const);
    for (const target of order) {
      const found = await measureTarget(target, upstream, { ...options, round });
      spreads.push(...found.spreads);
      writings.push(found.writing);
    }
  }
  const memory = [...(await measureMemory(upstream, 2)), ...(await measureMemory(upstream, 3))];
  const results: Results = { memory, spreads, writings };
  const page = render(options, results);
  console.log(page);
  if (options.saves) save(options, results, page);
};

const measureTarget = async (
  target: Spread["target"],
  upstream: BenchUpstream,
  { rounds, seconds, round }: BenchOptions & { readonly round: number },
): Promise<{ readonly spreads: Spread[]; readonly writing: Writing }> => {
  await using hapta = target === "hapta" ? await startHapta(upstream, { config: CONFIG }) : undefined;
  const ms = (seconds * 1000) / 2;
  await settle(upstream.pid);
  const alone = await writeFor(upstream.url, upstream.pid, ms);
  const port = hapta?.port ?? Number(new URL(upstream.url).port);
  const addresses = target === "hapta" ? 4 : 1;
  const count = SUBSCRIBERS / PROCESSES;
  const crowd: Crowd = { kind: "sse", port, count, addresses, topic: TOPIC };
  using fleet = await startFleet(Array.from({ length: PROCESSES }, () => crowd));
  const spreads: Spread[] = [];
  for (let event = 0; event < 2 * rounds; event++) {
    await Bun.sleep(PAUSE_MS);
    await tell(upstream.url);
    const { delaysMs } = await fleet.hear(fleet.count, HEAR_MS);
    spreads.push({ target, round, ...spreadOf(delaysMs) });
  }
  await settle(upstream.pid);
  const beside = await writeFor(upstream.url, upstream.pid, ms);
  return { spreads, writing: { target, round, alone, beside } };
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
