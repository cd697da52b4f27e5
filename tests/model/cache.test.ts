// The cache against PocketBase itself, about a minute from a fixed seed; tests/slow draws others.
import { expect, test } from "bun:test";
import { runCacheModel, summaryOf } from "./cacheModel.ts";
import { STEPS } from "./cacheSteps.ts";

const SEED = 20_260_101;
/** How long it takes is not what is tested. */
const TIMEOUT_MS = 900_000;

/** What a run must have done at least once, besides every kind of step. */
const DONE = [
  "batches that changed something",
  "dashboard: field",
  "dashboard: import",
  "dashboard: sql",
  "dashboard: truncation",
  "reads along back-relations",
  "reads of a view",
  "reads that a header decides, with it",
  "reads that a header decides, without it",
  "reads that a parameter decides, with it",
  "reads that a parameter decides, without it",
  "reads that the caller's record decides",
  "reads that the clock decides",
  "records deleted along",
  "records whose time passed",
  "writes of others",
  "writes of superusers",
];

test(
  "what the cache answers is what PocketBase answers the same caller, after every kind of change",
  async () => {
    const counts = await runCacheModel({ seed: SEED, rounds: { calm: 6, records: 6, rough: 4 } });
    process.stdout.write(`${summaryOf(counts)}\n`);
    for (const what of [...Object.keys(STEPS), ...DONE])
      expect(`${what} ${(counts[what] ?? 0) > 0}`).toBe(`${what} true`);
    // It must have been a cache that was tested.
    expect(counts["hits"]).toBeGreaterThan((counts["reads"] ?? 0) / 10);
  },
  TIMEOUT_MS,
);
