// Time stands still while a moment is held, and at no other time.
import { expect, test } from "bun:test";
import { holdMoment, letMomentGo, momentMs } from "./moment.ts";

const pass = (): void => {
  const fromMs = performance.now();
  while (performance.now() <= fromMs);
};

test("a held moment stays the same, and lies between what was before and what comes after", () => {
  const beforeMs = momentMs();
  pass();
  holdMoment();
  const heldMs = momentMs();
  pass();
  expect(momentMs()).toBe(heldMs);
  expect(heldMs).toBeGreaterThan(beforeMs);
  letMomentGo();
  const afterMs = momentMs();
  expect(afterMs).toBeGreaterThan(heldMs);
  pass();
  expect(momentMs()).toBeGreaterThan(afterMs);
});
