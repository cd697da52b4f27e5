// Time as this process had it: on a machine that lets others run first, the clock of the tests stands still meanwhile.
// What a test may wait for is counted by it, so that a busy machine is not taken for a slow product.

const TICK_MS = 10;
/** A tick that comes later than this was kept waiting; more of it counts only as far as the process worked itself. */
const TICK_MS_MAX = 20;

/** A clock that stands still while its process is kept from running; on an idle machine it goes as every clock. */
export interface OwnClock extends Disposable {
  /** Ms since it was started. */
  ms(): number;
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

// One look for all clocks: a test may have hundreds of waits under way.
let spentMs = 0;
let looked = { atMs: 0, cpuMs: 0 };
let ticker: ReturnType<typeof setInterval> | undefined;
const clocks = new Set<OwnClock>();

const look = (): number => {
  const now = { atMs: performance.now(), cpuMs: cpuMs() };
  const countedMsMax = Math.max(TICK_MS_MAX, now.cpuMs - looked.cpuMs);
  spentMs += Math.min(now.atMs - looked.atMs, countedMsMax);
  looked = now;
  return spentMs;
};

/** Starts one; dispose it, or the process stays alive for it. */
export const startOwnClock = (): OwnClock => {
  if (ticker === undefined) {
    looked = { atMs: performance.now(), cpuMs: cpuMs() };
    ticker = setInterval(look, TICK_MS);
  }
  const startedMs = look();
  const clock: OwnClock = {
    ms: () => look() - startedMs,
    [Symbol.dispose]: () => {
      if (!clocks.delete(clock) || clocks.size > 0) return;
      clearInterval(ticker);
      ticker = undefined;
    },
  };
  clocks.add(clock);
  return clock;
};
