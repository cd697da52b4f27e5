// Kept files asked for over and over: 1 MB beside nginx serving the same, and a thumb beside PocketBase.
import type { BenchOptions } from "../support/options.ts";
import type { WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import { runWrk } from "../support/wrk.ts";

/** One run of wrk. */
export interface HitRun {
  readonly what: "1 MB" | "thumb";
  readonly target: "hapta" | "nginx" | "pocketbase";
  readonly round: number;
  readonly requestsPerSecond: number;
  readonly cpuUsPerRequest: number;
  readonly foreignCpus: number;
}

/** What is asked of whom. */
export interface Wish extends Pick<HitRun, "what" | "target"> {
  readonly url: string;
  readonly pid: number;
}

export interface HitOptions extends Pick<BenchOptions, "rounds" | "seconds"> {
  readonly wrk: string;
  readonly upstreamPid: number;
  readonly waitForQuiet: WaitForQuiet;
}

/** All rounds of all wishes, each asked a few times before. */
export const measureHits = async (
  wishes: readonly Wish[],
  options: HitOptions,
): Promise<readonly HitRun[]> => {
  const { rounds, seconds, wrk, upstreamPid, waitForQuiet } = options;
  const runs: HitRun[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const { what, target, url, pid } of orderOf(wishes, round)) {
      for (let i = 0; i < 5; i++) await (await fetch(url)).arrayBuffer();
      await waitForQuiet();
      const load = await runWrk({ wrk, url, seconds, paceMs: 0, serverPid: pid, upstreamPid });
      if (load.failed > 0) throw new Error(`${what} from ${target}: ${load.failed} answers failed`);
      const { cpuUsPerRequest, foreignCpus } = load;
      const requestsPerSecond = load.requests / load.seconds;
      runs.push({ what, target, round, requestsPerSecond, cpuUsPerRequest, foreignCpus });
    }
  }
  return runs;
};
