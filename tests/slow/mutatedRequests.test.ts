// CN8, the long run.
import { expect, test } from "bun:test";
import { runMutatedRequests } from "../adversarial/mutatedRequests.ts";

test("CN8: what arrives upstream of 100,000 mutated conversations is what was decided", async () => {
  const { arrived } = await runMutatedRequests(100_000);
  expect(arrived).toBeGreaterThan(25_000);
}, 3_600_000);
