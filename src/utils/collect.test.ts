// Collections come behind the work at hand, and rest in proportion to what they cost.
import { expect, test } from "bun:test";
import { createCollect } from "./collect.ts";

test("many calls are one collection, and a long one makes a long rest", () => {
  const tasks: (() => void)[] = [];
  let now = 0;
  let runs = 0;
  const collect = createCollect({
    run: () => {
      runs += 1;
      now += 10;
    },
    nowMs: () => now,
    cpuMs: () => now,
    soon: (task) => tasks.push(task),
  });
  const settle = (): void => {
    for (const task of tasks.splice(0)) task();
  };
  collect();
  collect();
  expect(runs).toBe(0);
  settle();
  expect(runs).toBe(1);
  now = 59;
  collect();
  settle();
  expect(runs).toBe(1);
  now = 60;
  collect();
  settle();
  expect(runs).toBe(2);
});
