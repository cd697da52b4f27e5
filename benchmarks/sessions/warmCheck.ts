// What the check of a warm session adds to a request: one route through one Hapta with a token and without, in many short
// rounds that take turns, because the machine drifts more between long ones than the check costs.
import { machineBusyUs, threadsCpuUs } from "../support/processTree.ts";
import type { WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import { goRound } from "./roundTrips.ts";

export interface WarmRun {
  readonly caller: "guest" | "member";
  readonly round: number;
  readonly requests: number;
  readonly failed: number;
  /** CPU time of Hapta's process per request. */
  readonly cpuUsPerRequest: number;
  /** CPUs that were busy meanwhile, with everything: Hapta, PocketBase, this program, others. */
  readonly busyCpus: number;
}

export interface WarmOptions {
  readonly url: string;
  readonly path: string;
  readonly token: string;
  readonly serverPid: number;
  readonly waitForQuiet: WaitForQuiet;
}

export const WARM_ROUNDS = 60;
export const WARM_SECONDS = 0.5;
const WARMING_SECONDS = 5;
const CLIENTS = 32;
/** 2,000 requests a second for both: a server that is asked less often spends more CPU on each. */
const PACE_MS = 16;

/** All rounds, the order flipped from one to the next. */
export const measureWarmChecks = async (options: WarmOptions): Promise<readonly WarmRun[]> => {
  const { url, path, token, serverPid } = options;
  const requests = {
    guest: `GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`,
    member: `GET ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: ${token}\r\n\r\n`,
  };
  const go = (caller: WarmRun["caller"], seconds: number) =>
    goRound(
      url,
      Array(CLIENTS).fill(() => requests[caller]),
      { seconds, paceMs: PACE_MS },
    );
  for (const caller of ["guest", "member"] as const) await go(caller, WARMING_SECONDS);
  await options.waitForQuiet();
  const runs: WarmRun[] = [];
  for (let round = 0; round < WARM_ROUNDS; round++) {
    for (const caller of orderOf(["guest", "member"] as const, round)) {
      const before = { cpuUs: threadsCpuUs(serverPid), busyUs: machineBusyUs(), atMs: performance.now() };
      const { requests: count, failed } = await go(caller, WARM_SECONDS);
      const cpuUsPerRequest = (threadsCpuUs(serverPid) - before.cpuUs) / count;
      const busyCpus = (machineBusyUs() - before.busyUs) / 1000 / (performance.now() - before.atMs);
      runs.push({ caller, round, requests: count, failed, cpuUsPerRequest, busyCpus });
    }
  }
  return runs;
};
