// What the check of a warm session adds to a request: the same route through the same Hapta with a token and without, and
// the check alone in a loop.
import type { WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import { type Load, runWrk } from "../support/wrk.ts";

export interface WarmRun extends Load {
  readonly caller: "guest" | "member";
  readonly round: number;
}

export interface WarmOptions {
  readonly wrk: string;
  readonly url: string;
  readonly token: string;
  readonly serverPid: number;
  readonly upstreamPid: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly waitForQuiet: WaitForQuiet;
}

/**
 * Mean wait per connection; 32 of them make just under 1,000 requests a second. Flat out, PocketBase is slower for members
 * than for guests, and a server that is asked less often spends more CPU on each request.
 */
const PACE_MS = 32;

/** All rounds, the order flipped from one to the next. */
export const measureWarmChecks = async (options: WarmOptions): Promise<readonly WarmRun[]> => {
  const runs: WarmRun[] = [];
  for (let round = -1; round < options.rounds; round++) {
    for (const caller of orderOf(["guest", "member"] as const, Math.max(0, round))) {
      await options.waitForQuiet();
      const load = await runWrk({
        wrk: options.wrk,
        url: options.url,
        seconds: round < 0 ? 2 : options.seconds,
        paceMs: PACE_MS,
        serverPid: options.serverPid,
        upstreamPid: options.upstreamPid,
        ...(caller === "member" ? { authorization: options.token } : {}),
      });
      console.error(
        `warm check round ${round + 1} ${caller} ${Math.round(load.requests / load.seconds)}/s ` +
          `cpu ${load.cpuUsPerRequest.toFixed(1)} us foreign ${load.foreignCpus.toFixed(2)} failed ${load.failed}`,
      );
      if (round >= 0) runs.push({ caller, round, ...load });
    }
  }
  return runs;
};
