// Proves the cache's model suite: each of these bugs, planted in a copy of the source, must be found by it.
import { expect, test } from "bun:test";
import { CACHE_BUGS } from "../model/cacheBugs.ts";
import { type ModelOptions, runCacheModel } from "../model/cacheModel.ts";
import { VALUE_URLS } from "../model/cacheWorld.ts";
import { HURRIED, plantedCopy } from "../model/plantedCopy.ts";
import { createScratch } from "../support/scratch.ts";

const SEEDS = [1, 2, 3, 4, 5, 6];
const ROUNDS = { calm: 4, records: 0, rough: 1 };
/** Where it takes peace to know something. */
const HURRIED_ROUNDS = { calm: 0, records: 12, rough: 0 };
const RUN_MS_MAX = 180_000;

const firstFound = async (how: Omit<ModelOptions, "seed">): Promise<string> => {
  for (const seed of SEEDS) {
    try {
      await runCacheModel({ seed, ...how });
    } catch (error) {
      return String(error);
    }
  }
  return "not found";
};

test.each(CACHE_BUGS.map((bug) => [bug.name, bug] as const))(
  "%s",
  async (_, bug) => {
    using scratch = createScratch("mutation");
    const isHurried = bug.isHurried === true;
    const entry = await plantedCopy(scratch.path, [bug, ...(isHurried ? HURRIED : [])]);
    const how = isHurried ? { rounds: HURRIED_ROUNDS, urls: VALUE_URLS } : { rounds: ROUNDS };
    const found = await firstFound({ entry, ...how });
    process.stdout.write(`${found.slice(0, 300)}\n`);
    // A model that breaks for another reason has found nothing.
    expect(found).toMatch(/hapta {6}\d{3}|says \S+ after/);
  },
  SEEDS.length * RUN_MS_MAX,
);
