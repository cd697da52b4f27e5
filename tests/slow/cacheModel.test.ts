// The cache's model suite from seeds drawn at random, for as long as HAPTA_MODEL_MINUTES says (5 when absent): with Hapta as
// it is, and in turn with one whose memory is small and short.
import { expect, test } from "bun:test";
import { runCacheModel } from "../model/cacheModel.ts";
import { VALUE_URLS } from "../model/cacheWorld.ts";
import { HURRIED, plantedCopy } from "../model/plantedCopy.ts";
import { createScratch } from "../support/scratch.ts";

const RUN_MS = 60_000;
const minutes = Number(process.env["HAPTA_MODEL_MINUTES"] ?? 5);

test(
  "what the cache answers is what PocketBase answers the same caller",
  async () => {
    using scratch = createScratch("hurried");
    const kinds = [{}, { entry: await plantedCopy(scratch.path, HURRIED), urls: VALUE_URLS }];
    const endsAt = performance.now() + minutes * 60_000;
    for (let i = 0; performance.now() < endsAt; i++) {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const { hits } = await runCacheModel({
        seed,
        runMs: RUN_MS,
        stepsMax: 10_000,
        ...kinds[i % kinds.length],
      });
      expect(hits).toBeGreaterThan(0);
    }
  },
  (minutes + 3) * 60_000,
);
