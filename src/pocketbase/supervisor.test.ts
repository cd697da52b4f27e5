// The supervisor's patience, with runs that end when the test says so.
import { expect, test } from "bun:test";
import type { Child, ChildExit } from "./childProcess.ts";
import { FailedStart, type SupervisorOptions, supervise } from "./supervisor.ts";

const crash: ChildExit = { code: 1, signal: null, lastLine: "it broke" };

const createRun = (pid: number): { readonly child: Child; end(exit: ChildExit): void } => {
  const ended = Promise.withResolvers<ChildExit>();
  let isRunning = true;
  const end = (exit: ChildExit): void => {
    isRunning = false;
    ended.resolve(exit);
  };
  const stop = (): Promise<ChildExit> => {
    end({ code: 0, signal: null, lastLine: "" });
    return ended.promise;
  };
  return { child: { pid, exited: ended.promise, isRunning: () => isRunning, stop }, end };
};

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("supervise doubles its pauses up to the cap and starts anew after a long healthy run", async () => {
  let nowMs = 0;
  const pauses: number[] = [];
  const runs: ReturnType<typeof createRun>[] = [];
  const lines: string[] = [];
  const options: SupervisorOptions = {
    start: () => {
      const run = createRun(runs.length + 1);
      runs.push(run);
      return run.child;
    },
    isHealthy: () => Promise.resolve(true),
    log: (level, message) => lines.push(`${level} ${message}`),
    clock: {
      now: () => nowMs,
      after: (delayMs, run) => {
        pauses.push(delayMs);
        queueMicrotask(run);
        return () => undefined;
      },
    },
    startDeadlineMs: 1_000,
    stopDeadlineMs: 1_000,
    backOffMs: 100,
    backOffMaxMs: 1_000,
    stableAfterMs: 60_000,
    random: () => 0.5,
  };
  const supervisor = await supervise(options);
  for (let crashes = 1; crashes <= 6; crashes += 1) {
    runs.at(-1)?.end(crash);
    while (runs.length === crashes) await settle();
    await settle();
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(lines[0]).toBe("warn PocketBase stopped (exit code 1: it broke); starting it again in 100 ms.");
  nowMs += 60_000;
  runs.at(-1)?.end(crash);
  while (runs.length === 7) await settle();
  expect(pauses.at(-1)).toBe(100);
  await settle();
  expect(supervisor.pid()).toBe(8);
  await supervisor.close();
  expect(supervisor.pid()).toBeUndefined();
  expect(runs).toHaveLength(8);
});

test("supervise ends a first run that is not healthy in time, and tells of one that ended by itself", async () => {
  let nowMs = 0;
  const base: Omit<SupervisorOptions, "start" | "isHealthy"> = {
    log: () => undefined,
    clock: {
      now: () => nowMs,
      after: (delayMs, run) => {
        nowMs += delayMs;
        queueMicrotask(run);
        return () => undefined;
      },
    },
    startDeadlineMs: 500,
    stopDeadlineMs: 1_000,
    backOffMs: 100,
    backOffMaxMs: 1_000,
    stableAfterMs: 60_000,
    random: () => 0.5,
  };
  const hung = createRun(1);
  const late = supervise({ ...base, start: () => hung.child, isHealthy: () => Promise.resolve(false) });
  expect(await late.catch((error: unknown) => error)).toMatchObject({ isLate: true });
  expect(hung.child.isRunning()).toBe(false);
  const dead = createRun(2);
  dead.end(crash);
  const failed = supervise({ ...base, start: () => dead.child, isHealthy: () => Promise.resolve(true) });
  const error = await failed.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FailedStart);
  expect(error).toMatchObject({ isLate: false, exit: { lastLine: "it broke" } });
});
