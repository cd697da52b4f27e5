// Hapta's judgement of bodies against PocketBase's: what PocketBase accepts is never refused, and what Hapta refuses,
// PocketBase refuses with the same whole answer.
import { expect, setDefaultTimeout, test } from "bun:test";
import { startPocketBase } from "../support/pocketbase.ts";
import { formBody } from "./bodies.ts";
import { judgeBodies, renderBodyTally, shareOfCreations } from "./judgeBodies.ts";

setDefaultTimeout(120_000);

const seed = Number(process.env["HAPTA_SEED"] ?? 20_261_122);

test("validateBody refuses no body that PocketBase 0.39 accepts, and says what PocketBase says", async () => {
  await using pb = await startPocketBase();
  const tally = await judgeBodies(pb, { runs: 2_000, seed });
  process.stdout.write(`${renderBodyTally(tally)}\n`);
  expect(tally.falseRefusals).toEqual([]);
  expect(tally.different).toEqual([]);
  expect(tally.refused).toBeGreaterThan(1_000);
  expect(shareOfCreations(tally)).toBeGreaterThan(0.95);
});

test("validateBody stops nearly all the mistakes that an app's own form makes", async () => {
  await using pb = await startPocketBase();
  const tally = await judgeBodies(pb, { runs: 400, seed, bodies: formBody });
  process.stdout.write(`of an app's own forms: ${renderBodyTally(tally)}\n`);
  expect(tally.falseRefusals).toEqual([]);
  expect(tally.different).toEqual([]);
  expect(tally.stopped / tally.refused).toBeGreaterThan(0.95);
});
