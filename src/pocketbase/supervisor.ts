// Keeps one program running: waits until it is healthy, starts it again when it dies, stops it.
// Does not know what the program is for.

import type { Log } from "../insight/log.ts";
import type { Child, ChildExit } from "./childProcess.ts";
import { type Clock, pause } from "./clock.ts";

/** What to keep running, and how patiently. */
export type SupervisorOptions = {
  /** Starts one run. */
  readonly start: () => Child;
  /** Whether the running program answers; must settle within a second or so. */
  readonly isHealthy: () => Promise<boolean>;
  readonly log: Log;
  readonly clock: Clock;
  /** From the start of a run until it is healthy. */
  readonly startDeadlineMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly stopDeadlineMs: number;
  /** Pause before the first restart; doubles with each failure in a row up to `backOffMaxMs`. */
  readonly backOffMs: number;
  readonly backOffMaxMs: number;
  /** A run that was healthy this long starts the count of failures anew. */
  readonly stableAfterMs: number;
  /** Uniform in [0, 1); spreads the pauses. */
  readonly random: () => number;
};

/** A program that is kept running. */
export type Supervisor = {
  /** Process id of the present run; undefined between runs. */
  pid(): number | undefined;
  close(): Promise<void>;
};

/** A first run that ended, or was ended, before it became healthy. */
export class FailedStart extends Error {
  override readonly name = "FailedStart";
  readonly exit: ChildExit;
  readonly isLate: boolean;

  constructor(exit: ChildExit, isLate: boolean) {
    super(isLate ? "not healthy in time" : "ended before it was healthy");
    this.exit = exit;
    this.isLate = isLate;
  }
}

const HEALTH_PAUSE_MS = 20;

/**
 * Starts the program and waits until it is healthy; from then on it is started again whenever it dies,
 * with one warning each time, until `close`.
 *
 * @throws FailedStart when the first run fails; nothing runs then.
 */
export async function supervise(options: SupervisorOptions): Promise<Supervisor> {
  const closing = new AbortController();
  let child = options.start();
  await healthyOrGone(child, options, closing.signal);
  let healthySinceMs = options.clock.now();

  const restart = async (exit: ChildExit, failures: number): Promise<void> => {
    const delayMs = backOff(options, failures);
    options.log("warn", `PocketBase stopped (${describeExit(exit)}); starting it again in ${delayMs} ms.`);
    await pause(options.clock, delayMs, closing.signal);
    if (closing.signal.aborted) return;
    child = options.start();
    healthySinceMs = Number.POSITIVE_INFINITY;
    await healthyOrGone(child, options, closing.signal);
    healthySinceMs = options.clock.now();
    options.log("info", "PocketBase runs again.", { pid: child.pid });
  };
  const keepRunning = async (): Promise<void> => {
    for (let failures = 0; !closing.signal.aborted; failures += 1) {
      const exit = await child.exited;
      if (closing.signal.aborted) return;
      if (options.clock.now() - healthySinceMs >= options.stableAfterMs) failures = 0;
      await restart(exit, failures).catch((error: unknown) => {
        // A run that failed to start has ended; the next turn reports how and tries again.
        if (!(error instanceof FailedStart)) throw error;
      });
    }
  };
  const running = keepRunning().catch((error: unknown) => {
    options.log("error", "PocketBase is not kept running any more.", { error: String(error) });
  });
  return {
    pid: () => (child.isRunning() ? child.pid : undefined),
    close: async () => {
      closing.abort();
      await child.stop(options.stopDeadlineMs);
      await running;
      // A restart that was under way when `close` was called has replaced the run that was stopped.
      await child.stop(options.stopDeadlineMs);
    },
  };
}

/** How a run ended, with the last thing it said. */
export function describeExit(exit: ChildExit): string {
  const how = exit.signal === null ? `exit code ${exit.code ?? "unknown"}` : exit.signal;
  return exit.lastLine === "" ? how : `${how}: ${exit.lastLine}`;
}

/** Milliseconds to wait after `failures` failures in a row: doubled each time, capped, plus or minus a quarter. */
function backOff(options: SupervisorOptions, failures: number): number {
  const fullMs = Math.min(options.backOffMaxMs, options.backOffMs * 2 ** Math.min(failures, 30));
  return Math.round(fullMs * (0.75 + options.random() / 2));
}

async function healthyOrGone(child: Child, options: SupervisorOptions, closing: AbortSignal): Promise<void> {
  const deadline = options.clock.now() + options.startDeadlineMs;
  while (child.isRunning() && !closing.aborted) {
    if (await options.isHealthy()) {
      // The answer must be this run's: one that could not have the address has ended by now.
      if (child.isRunning()) return;
      break;
    }
    if (options.clock.now() > deadline) throw new FailedStart(await child.stop(0), true);
    await pause(options.clock, HEALTH_PAUSE_MS, closing);
  }
  if (closing.aborted) await child.stop(options.stopDeadlineMs);
  throw new FailedStart(await child.exited, false);
}
