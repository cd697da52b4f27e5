// The cache against PocketBase itself, from a fixed seed; tests/slow draws others.
import { expect, test } from "bun:test";
import { runCacheModel } from "./cacheModel.ts";

const SEED = 20_260_101;
const RUN_MS = 25_000;

test("what the cache answers is what PocketBase answers the same caller, after every kind of change", async () => {
  const { hits, reads, steps } = await runCacheModel({ seed: SEED, runMs: RUN_MS, stepsMax: 250 });
  // It must have been a cache that was tested.
  expect(steps).toBeGreaterThan(30);
  expect(hits).toBeGreaterThan(reads / 10);
}, 120_000);
