// CN8, the fast share of it; tests/slow has the long run.
import { expect, test } from "bun:test";
import { runMutatedRequests } from "./mutatedRequests.ts";

test("CN8: what arrives upstream of 2,000 mutated conversations is what was decided", async () => {
  const { arrived } = await runMutatedRequests(2_000);
  // Enough of them must get through for the comparison to mean something.
  expect(arrived).toBeGreaterThan(500);
}, 180_000);
