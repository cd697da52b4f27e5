// Waits for a moment in which nothing else uses the machine. Bounded: a busy machine delays a run, it does
// not stop it.
import { machineBusyUs } from "./processTree.ts";

const LOOK_MS = 400;
const BUSY_CPUS_MAX = 0.1;

/** Resolves when the machine is quiet, or at once when the waiting time is used up. */
export type WaitForQuiet = () => Promise<void>;

/** A waiter with `budgetMs` of waiting for all its calls together. */
export const createQuietWait = (budgetMs: number): WaitForQuiet => {
  let leftMs = budgetMs;
  return async () => {
    while (leftMs > 0) {
      const startedMs = performance.now();
      const beforeUs = machineBusyUs();
      await Bun.sleep(LOOK_MS);
      const tookMs = performance.now() - startedMs;
      if ((machineBusyUs() - beforeUs) / 1000 / tookMs <= BUSY_CPUS_MAX) return;
      leftMs -= tookMs;
    }
  };
};
