// Asks the runtime to give unused memory back, as often as that costs next to nothing.

/** After a collection, so many times the CPU time that it took passes before the next. */
const REST = 5;

/** Has the collector run soon. @returns false when it rests, or will run anyway. */
export type Collect = () => boolean;

/** What a collection needs; the runtime's own unless told. */
interface CollectOptions {
  readonly run?: () => void;
  readonly nowMs?: () => number;
  readonly cpuMs?: () => number;
  readonly soon?: (task: () => void) => void;
}

/**
 * Makes a function that has the collector run behind whatever is being answered at this moment. It stops the process for as
 * long as it runs, some ms for each 10 MB of objects; so it rests in proportion, and calls meanwhile do nothing.
 */
export const createCollect = ({
  run = () => Bun.gc(true),
  nowMs = () => performance.now(),
  cpuMs = ownCpuMs,
  soon = setImmediate,
}: CollectOptions = {}): Collect => {
  let isPlanned = false;
  let notBeforeMs = 0;
  const collect = (): void => {
    isPlanned = false;
    const beforeMs = cpuMs();
    run();
    notBeforeMs = nowMs() + (cpuMs() - beforeMs) * REST;
  };
  return () => {
    if (isPlanned || nowMs() < notBeforeMs) return false;
    isPlanned = true;
    soon(collect);
    return true;
  };
};

const ownCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
