// Generated requests to PocketBase and through Hapta must be answered alike; and the comparison itself is proved able to fail.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { startHapta, type Hapta } from "../support/hapta.ts";
import { MUTATIONS, startMutatingProxy } from "../support/mutatingProxy.ts";
import { startPocketBase, type PocketBase } from "../support/pocketbase.ts";
import { selectedTargets } from "../support/targets.ts";
import { runDifferential } from "./runDifferential.ts";

setDefaultTimeout(60_000);

const seed = Number(process.env["HAPTA_SEED"] ?? 20_261_122);
const runs = Number(process.env["HAPTA_RUNS"] ?? 600);
const path = process.env["HAPTA_REPLAY"];

let upstream: PocketBase;
beforeAll(async () => {
  upstream = await startPocketBase();
});
afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
});

describe.skipIf(!selectedTargets().includes("hapta"))("differential through Hapta", () => {
  let hapta: Hapta;
  beforeAll(async () => {
    hapta = await startHapta(upstream);
  });
  afterAll(async () => {
    await hapta[Symbol.asyncDispose]();
  });

  test("generated requests are answered alike", async () => {
    const replay = path === undefined || path === "" ? {} : { path };
    await runDifferential({ direct: upstream.url, through: hapta.url, world: upstream.world, seed, runs, ...replay });
  });
});

describe("differential guard", () => {
  test("PocketBase against itself through a plain proxy shows no difference", async () => {
    await using proxy = await startMutatingProxy(upstream.url);
    await runDifferential({ direct: upstream.url, through: proxy.url, world: upstream.world, seed, runs: 150 });
  });

  for (const mutation of MUTATIONS) {
    test(`a proxy that ${mutation.name} is caught`, async () => {
      await using proxy = await startMutatingProxy(upstream.url, mutation);
      const run = runDifferential({ direct: upstream.url, through: proxy.url, world: upstream.world, seed, runs: 150 });
      const failure = await run.then(
        () => "nothing was caught",
        (error: unknown) => String(error),
      );
      expect(failure).toMatch(mutation.caughtAs);
      expect(failure).toContain("replay: HAPTA_SEED=");
    });
  }
});
