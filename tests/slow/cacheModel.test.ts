// The cache's model suite from seeds drawn at random, for an hour, or as many minutes as HAPTA_MODEL_MINUTES says. An even seed
// plays with Hapta as it is, an odd one with one whose memory is small and short. HAPTA_MODEL_SEED plays one seed again.
import { expect, test } from "bun:test";
import { runCacheModel, summaryOf } from "../model/cacheModel.ts";
import { VALUE_URLS } from "../model/cacheWorld.ts";
import { HURRIED, plantedCopy } from "../model/plantedCopy.ts";
import { createScratch } from "../support/scratch.ts";

const minutes = Number(process.env["HAPTA_MODEL_MINUTES"] ?? 60);
const again = process.env["HAPTA_MODEL_SEED"];

test(
  "what the cache answers is what PocketBase answers the same caller",
  async () => {
    using scratch = createScratch("hurried");
    const entry = await plantedCopy(scratch.path, HURRIED);
    const kinds = [
      { rounds: { calm: 6, records: 1, rough: 3 } },
      { rounds: { calm: 1, records: 12, rough: 1 }, entry, urls: VALUE_URLS },
    ] as const;
    const endsAt = performance.now() + minutes * 60_000;
    do {
      const seed = Number(again ?? Math.floor(Math.random() * 2 ** 31));
      process.stdout.write(`HAPTA_MODEL_SEED=${seed}\n`);
      const counts = await runCacheModel({ seed, ...(seed % 2 === 0 ? kinds[0] : kinds[1]) });
      process.stdout.write(`${summaryOf(counts)}\n`);
      expect(counts["hits"]).toBeGreaterThan(0);
    } while (again === undefined && performance.now() < endsAt);
  },
  (minutes + 30) * 60_000,
);
