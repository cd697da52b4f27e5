// One address floods with ten times the traffic of everybody else: what honest clients feel, and what reaches PocketBase.
import { startHapta } from "../../tests/support/hapta.ts";
import { WireConnection } from "../../tests/support/wire.ts";
import { treeCpuUs } from "../support/processTree.ts";
import type { WaitForQuiet } from "../support/quiet.ts";
import type { BenchUpstream } from "../support/upstream.ts";
import { CONNECTIONS, runWrk } from "../support/wrk.ts";

/** Honest clients, each with an address of its own, and how often each asks. */
const HONEST = 20;
const HONEST_PER_SECOND = 5;
const FLOOD_FACTOR = 10;
/** What every address may do in a minute: the honest need half of it. */
const PER_MINUTE = 600;

/** One phase of a round. */
export interface FloodRun {
  readonly round: number;
  readonly phase: "calm" | "flood";
  readonly honestP50Ms: number;
  readonly honestP99Ms: number;
  readonly honestFailed: number;
  readonly honestRequests: number;
  /** The flood's requests per second, and how many of them were let through. */
  readonly floodPerSecond: number;
  readonly floodAllowedPerSecond: number;
  /** CPUs kept busy by programs that have nothing to do with this; measured during floods only. */
  readonly foreignCpus: number | undefined;
  /** CPUs that PocketBase kept busy. */
  readonly upstreamCpus: number;
}

export interface FloodOptions {
  readonly wrk: string;
  readonly upstream: BenchUpstream;
  readonly rounds: number;
  readonly seconds: number;
  readonly waitForQuiet: WaitForQuiet;
}

/** Measures calm and flood in turns, the order flipped from round to round. */
export const measureFlood = async (options: FloodOptions): Promise<FloodRun[]> => {
  const ratelimit = { Max: PER_MINUTE, Duration: 60_000, IP: true, isEnabled: true, Message: "Slow down." };
  await using hapta = await startHapta(options.upstream, { config: { ratelimit } });
  const url = hapta.url + options.upstream.recordPath;
  const floodPaceMs = (CONNECTIONS * 1000) / (HONEST * HONEST_PER_SECOND * FLOOD_FACTOR);
  const flood = (seconds: number, paceMs: number) =>
    runWrk({
      wrk: options.wrk,
      url,
      seconds,
      paceMs,
      serverPid: hapta.child.pid,
      upstreamPid: options.upstream.pid,
    });
  // Spends the flood's budget, and warms everything up.
  await flood(1, 0);
  const runs: FloodRun[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const phases = ["calm", "flood"] as const;
    for (const phase of round % 2 === 0 ? phases : phases.toReversed()) {
      await options.waitForQuiet();
      // What came back meanwhile is spent before anything is measured.
      await flood(1, 0);
      const cpuBefore = treeCpuUs(options.upstream.pid);
      const startedMs = performance.now();
      const [honest, load] = await Promise.all([
        beHonest(hapta.url, options.upstream.recordPath, options.seconds),
        phase === "flood" ? flood(options.seconds, floodPaceMs) : undefined,
      ]);
      const tookMs = performance.now() - startedMs;
      runs.push({
        round,
        phase,
        ...honest,
        floodPerSecond: load === undefined ? 0 : load.requests / load.seconds,
        floodAllowedPerSecond: load === undefined ? 0 : (load.requests - load.failed) / load.seconds,
        foreignCpus: load?.foreignCpus,
        upstreamCpus: (treeCpuUs(options.upstream.pid) - cpuBefore) / 1000 / tookMs,
      });
    }
  }
  return runs;
};

type Honest = Pick<FloodRun, "honestP50Ms" | "honestP99Ms" | "honestFailed" | "honestRequests">;

const beHonest = async (url: string, path: string, seconds: number): Promise<Honest> => {
  const times: number[] = [];
  let failed = 0;
  const endMs = performance.now() + seconds * 1000;
  const client = async (index: number): Promise<void> => {
    using connection = new WireConnection(url, `127.0.1.${index + 1}`);
    // The first request pays for the connection, which is not what is measured.
    await connection.send({ path });
    while (performance.now() < endMs) {
      await Bun.sleep((1000 / HONEST_PER_SECOND) * (0.5 + Math.random()));
      const startedMs = performance.now();
      const { status } = await connection.send({ path });
      times.push(performance.now() - startedMs);
      if (status !== 200) failed++;
    }
  };
  await Promise.all(Array.from({ length: HONEST }, (_, index) => client(index)));
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { honestP50Ms: at(0.5), honestP99Ms: at(0.99), honestFailed: failed, honestRequests: times.length };
};
