// What the check of a warm session adds to a request: one kept record read through one Hapta with a token and without, in
// hundreds of short rounds that take turns, because the machine drifts more between long ones than the check costs.
import { threadsCpuUs } from "../support/processTree.ts";
import type { WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import { openCrew } from "./crew.ts";

/** One round with a token and one without, next to each other. */
export interface WarmPair {
  /** CPU time of Hapta's process per request. */
  readonly guestCpuUs: number;
  readonly memberCpuUs: number;
}

export interface WarmOptions {
  readonly url: string;
  readonly path: string;
  readonly token: string;
  readonly serverPid: number;
  readonly waitForQuiet: WaitForQuiet;
}

export const WARM_PAIRS = 400;
/** Requests of a round, all clients together: some 50 ms. */
export const WARM_REQUESTS = 1_000;
export const WARM_CLIENTS = 32;
const WARMING_ROUNDS = 60;

const CALLERS = ["guest", "member"] as const;

/** All pairs, the order flipped from one to the next. Connections stay open. @throws Error when an answer is not a 200. */
export const measureWarmChecks = async (options: WarmOptions): Promise<readonly WarmPair[]> => {
  const { url, path, token, serverPid } = options;
  const head = `GET ${path} HTTP/1.1\r\nHost: bench\r\n`;
  using guest = await openCrew(url, `${head}\r\n`, WARM_CLIENTS);
  using member = await openCrew(url, `${head}Authorization: ${token}\r\n\r\n`, WARM_CLIENTS);
  const crews = { guest, member };
  for (let round = 0; round < WARMING_ROUNDS; round++)
    for (const caller of CALLERS) await crews[caller].ask(WARM_REQUESTS);
  await options.waitForQuiet();
  const pairs: WarmPair[] = [];
  for (let round = 0; round < WARM_PAIRS; round++) {
    const cpuUs = { guest: 0, member: 0 };
    for (const caller of orderOf(CALLERS, round)) {
      const beforeUs = threadsCpuUs(serverPid);
      const failed = await crews[caller].ask(WARM_REQUESTS);
      if (failed > 0) throw new Error(`${caller}: ${failed} answers failed`);
      cpuUs[caller] = (threadsCpuUs(serverPid) - beforeUs) / WARM_REQUESTS;
    }
    pairs.push({ guestCpuUs: cpuUs.guest, memberCpuUs: cpuUs.member });
  }
  return pairs;
};
