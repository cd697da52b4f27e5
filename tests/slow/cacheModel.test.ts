// The cache's model suite from seeds drawn at random, for as long as HAPTA_MODEL_MINUTES says (5 when absent).
import { expect, test } from "bun:test";
import { runCacheModel } from "../model/cacheModel.ts";

const RUN_MS = 60_000;
const minutes = Number(process.env["HAPTA_MODEL_MINUTES"] ?? 5);

test(
  "what the cache answers is what PocketBase answers the same caller",
  async () => {
    const endsAt = performance.now() + minutes * 60_000;
    while (performance.now() < endsAt) {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const { hits } = await runCacheModel({ seed, runMs: RUN_MS, stepsMax: 10_000 });
      expect(hits).toBeGreaterThan(0);
    }
  },
  (minutes + 3) * 60_000,
);
