// The watch with a clock of the test's own, before a small server that can be told to fail.
import { afterAll, expect, test } from "bun:test";
import type { Clock } from "./clock.ts";
import { createMonitor, type Health } from "./monitor.ts";

type Timer = { readonly atMs: number; readonly run: () => void };

/** A clock that stands still until it is told to go on. */
const createHandClock = (): Clock & { readonly timers: Set<Timer>; pass(ms: number): void } => {
  let nowMs = 0;
  const timers = new Set<Timer>();
  return {
    timers,
    now: () => nowMs,
    after: (delayMs, run) => {
      const timer = { atMs: nowMs + delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    pass: (ms) => {
      nowMs += ms;
      for (const timer of [...timers]) {
        if (timer.atMs > nowMs) continue;
        timers.delete(timer);
        timer.run();
      }
    },
  };
};

let answer: () => Response | Promise<Response> = () => new Response("{}");
let asked = 0;
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: () => {
    asked += 1;
    return answer();
  },
});
afterAll(() => server.stop(true));
const url = `http://127.0.0.1:${server.port}`;

/** Gives pending input and output its turn until `isSo`. */
const until = async (isSo: () => boolean): Promise<void> => {
  const endsAt = performance.now() + 3_000;
  while (!isSo()) {
    if (performance.now() > endsAt) throw new Error("it never became so");
    await new Promise((resolve) => setImmediate(resolve));
  }
};
const dueIn = (clock: ReturnType<typeof createHandClock>): number[] =>
  [...clock.timers].map((timer) => timer.atMs - clock.now());

test("createMonitor is ready at the first answer, counts 429 as life, and stops when closed", async () => {
  const clock = createHandClock();
  answer = () => new Response("", { status: 429 });
  const monitor = createMonitor({ url, clock });
  expect(monitor.health()).toEqual({ isReady: false, sinceMs: 0, reason: "was not asked yet" });
  const seen: Health[] = [];
  monitor.onChange((health) => seen.push(health));
  await until(() => seen.length === 1);
  expect(seen).toEqual([{ isReady: true, sinceMs: 0 }]);
  await until(() => clock.timers.size === 1 && dueIn(clock)[0] === 1_000);
  monitor.close();
  expect(clock.timers.size).toBe(0);
});

test("createMonitor takes two failures for an outage, within five seconds of silence, and one answer for a return", async () => {
  const clock = createHandClock();
  answer = () => new Response("{}");
  const monitor = createMonitor({ url, clock });
  const seen: Health[] = [];
  monitor.onChange((health) => seen.push(health));
  await until(() => monitor.health().isReady && dueIn(clock)[0] === 1_000);
  answer = () => new Promise<Response>(() => undefined);
  const silence = async (waitMs: number): Promise<void> => {
    const before = asked;
    clock.pass(waitMs);
    await until(() => asked === before + 1);
    clock.pass(1_500);
  };
  await silence(1_000);
  await until(() => dueIn(clock)[0] === 250);
  expect(monitor.health().isReady).toBe(true);
  await silence(250);
  await until(() => !monitor.health().isReady);
  expect(monitor.health()).toEqual({ isReady: false, sinceMs: 4_250, reason: "does not answer in time" });
  await until(() => dueIn(clock)[0] === 250);
  answer = () => new Response("{}");
  clock.pass(250);
  await until(() => monitor.health().isReady);
  expect(seen.map((health) => health.isReady)).toEqual([true, false, true]);
  monitor.close();
});

test("createMonitor forgets one failure between answers and names a gateway's status", async () => {
  const clock = createHandClock();
  answer = () => new Response("{}");
  const monitor = createMonitor({ url, clock });
  let changes = 0;
  monitor.onChange(() => {
    changes += 1;
  });
  await until(() => monitor.health().isReady && dueIn(clock)[0] === 1_000);
  for (let round = 0; round < 3; round += 1) {
    answer = () => new Response("", { status: 502 });
    clock.pass(1_000);
    await until(() => dueIn(clock)[0] === 250);
    answer = () => new Response("{}");
    clock.pass(250);
    await until(() => dueIn(clock)[0] === 1_000);
  }
  expect(changes).toBe(1);
  answer = () => new Response("", { status: 502 });
  clock.pass(1_000);
  await until(() => dueIn(clock)[0] === 250);
  clock.pass(250);
  await until(() => !monitor.health().isReady);
  expect(monitor.health()).toMatchObject({ reason: "answered 502" });
  monitor.noteAnswer();
  expect(monitor.health().isReady).toBe(true);
  monitor.close();
});
