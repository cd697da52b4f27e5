// How much of the processor work takes, for tests whose point is that hostile input is cheap. The clock on the wall would
// count what else the machine does.

/**
 * The least CPU time of a few runs, in ms: the first ones also pay for compiling. Stops early when a run stays under
 * `enoughMs`.
 */
export const leastCpuMs = (work: () => void, enoughMs: number): number => {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5 && leastMs >= enoughMs; run++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    leastMs = Math.min(leastMs, (user + system) / 1000);
  }
  return leastMs;
};
