// How much of the machine nobody needs. Keeps the last look, nothing else.
import { cpus } from "node:os";

/**
 * Makes a look at the machine: the share of all CPUs' time since the last look that was idle, 0 to 1; 1 where nobody can
 * say. In steps of 10 ms of one CPU; a look costs some 25 us for each.
 */
export const createIdleShare = (): (() => number) => {
  let before = readTimes();
  return () => {
    const now = readTimes();
    const [idleMs, allMs] = [now.idleMs - before.idleMs, now.allMs - before.allMs];
    before = now;
    return allMs > 0 ? idleMs / allMs : 1;
  };
};

const readTimes = (): { readonly idleMs: number; readonly allMs: number } => {
  let [idleMs, allMs] = [0, 0];
  for (const { times } of cpus()) {
    idleMs += times.idle;
    for (const ms of Object.values(times)) allMs += ms;
  }
  return { idleMs, allMs };
};
