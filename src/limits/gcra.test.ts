import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { nextTat, type Rate, TICKS_PER_MS, toRate, toTicks, waitTicks } from "./gcra.ts";

/** Spends from one key, as the limiter does. */
const createKey = (rate: Rate) => {
  let tat = 0;
  return (ms: number, units: number): boolean => {
    const now = toTicks(ms);
    const next = nextTat(tat, now, units * rate.unitTicks);
    if (waitTicks(next, now, rate.limitTicks) > 0) return false;
    tat = next;
    return true;
  };
};

/** The same on exact fractions: times in ticks with the denominator `unitsMax`, nothing ever rounded. */
const createExact = (unitsMax: number, windowMs: number, burst: number) => {
  const denominator = BigInt(unitsMax);
  const unit = BigInt(windowMs) * BigInt(TICKS_PER_MS);
  let tat = 0n;
  return (ms: number, units: number): boolean => {
    const now = BigInt(toTicks(ms)) * denominator;
    const next = (tat > now ? tat : now) + BigInt(units) * unit;
    if (next - now > BigInt(burst) * unit) return false;
    tat = next;
    return true;
  };
};

const written = fc.record({
  unitsMax: fc.integer({ min: 1, max: 5_000 }),
  windowMs: fc.integer({ min: 100, max: 86_400_000 }),
  burst: fc.integer({ min: 1, max: 5_000 }),
});
const arrivals = fc.array(
  fc.record({
    pauseMs: fc.double({ min: 0, max: 120_000, noNaN: true }),
    units: fc.integer({ min: 1, max: 20 }),
  }),
  { maxLength: 200, size: "max" },
);

describe("GCRA", () => {
  test("decides as exact fractions do, wherever the interval is a whole number of ticks", () => {
    fc.assert(
      fc.property(written, arrivals, ({ unitsMax, windowMs, burst }, steps) => {
        const evenMs = windowMs * unitsMax;
        const key = createKey(toRate({ unitsMax, windowMs: evenMs, burst }));
        const exact = createExact(unitsMax, evenMs, burst);
        let ms = 1_000;
        for (const { pauseMs, units } of steps) {
          ms += pauseMs;
          expect(key(ms, units)).toBe(exact(ms, units));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("in any window of time never allows more than burst and rate together, exactly counted", () => {
    fc.assert(
      fc.property(written, arrivals, ({ unitsMax, windowMs, burst }, steps) => {
        const key = createKey(toRate({ unitsMax, windowMs, burst }));
        const spent: { readonly ms: number; readonly units: number }[] = [];
        let ms = 1_000;
        for (const { pauseMs, units } of steps) {
          ms += pauseMs / 100;
          if (key(ms, units)) spent.push({ ms, units });
        }
        for (const [from, first] of spent.entries()) {
          let sum = 0;
          for (const { ms: at, units } of spent.slice(from)) {
            sum += units;
            // sum <= burst + elapsed * unitsMax / windowMs, without a fraction; one tick for the clock's own.
            const elapsed = BigInt(toTicks(at) - toTicks(first.ms) + 1);
            const allowed =
              BigInt(burst) * BigInt(windowMs) * BigInt(TICKS_PER_MS) + elapsed * BigInt(unitsMax);
            expect(BigInt(sum) * BigInt(windowMs) * BigInt(TICKS_PER_MS) <= allowed).toBe(true);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test("gives back no less than what was written, but for a tick a unit", () => {
    fc.assert(
      fc.property(written, ({ unitsMax, windowMs }) => {
        const { unitTicks } = toRate({ unitsMax, windowMs });
        const exact = (windowMs * TICKS_PER_MS) / unitsMax;
        expect(unitTicks).toBeGreaterThanOrEqual(exact);
        expect(unitTicks).toBeLessThan(exact + 1);
      }),
    );
  });

  test("RL16: a window's edge allows no second burst", () => {
    const key = createKey(toRate({ unitsMax: 10, windowMs: 60_000 }));
    const spend = (ms: number): number => Array.from({ length: 20 }, () => key(ms, 1)).filter(Boolean).length;
    expect(spend(59_990)).toBe(10);
    expect(spend(60_010)).toBe(0);
    expect(spend(65_990)).toBe(1);
    expect(spend(125_990)).toBe(10);
  });
});
