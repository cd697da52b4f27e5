// Proves that the differential comparison can fail: faults planted in a proxy must be caught, and nothing else.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { MUTATIONS, startMutatingProxy } from "../support/mutatingProxy.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { type DifferentialOptions, runDifferential } from "./runDifferential.ts";

setDefaultTimeout(60_000);

let upstream: PocketBase;
beforeAll(async () => {
  upstream = await startPocketBase();
});
afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
});

const options = (through: string): DifferentialOptions => ({
  direct: upstream.url,
  through,
  world: upstream.world,
  seed: 20_261_122,
  runs: 150,
});

test("differential of PocketBase with itself through a plain proxy shows no difference", async () => {
  await using proxy = await startMutatingProxy(upstream.url);
  await runDifferential(options(proxy.url));
});

for (const mutation of MUTATIONS) {
  test(`differential catches a proxy that ${mutation.name}`, async () => {
    await using proxy = await startMutatingProxy(upstream.url, mutation);
    const failure = await runDifferential(options(proxy.url)).then(
      () => "nothing was caught",
      (error: unknown) => String(error),
    );
    expect(failure).toMatch(mutation.caughtAs);
    expect(failure).toContain("replay: HAPTA_SEED=");
  });
}
