// The differential comparison with a random seed and many more requests; a failure prints how to replay it.
import { afterAll, beforeAll, setDefaultTimeout, test } from "bun:test";
import { runDifferential } from "../differential/runDifferential.ts";
import { loginCallers } from "../support/fixture/load.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";

setDefaultTimeout(300_000);

let upstream: PocketBase;
let hapta: Hapta;
beforeAll(async () => {
  upstream = await startPocketBase();
  hapta = await startHapta(upstream);
});
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

test("requests drawn from a random seed are answered alike", async () => {
  const seed = Number(process.env["HAPTA_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const runs = Number(process.env["HAPTA_RUNS"] ?? 20_000);
  const tokensThrough = await loginCallers(hapta.url);
  const servers = { direct: upstream.url, through: hapta.url };
  await runDifferential({ ...servers, world: upstream.world, tokensThrough, seed, runs });
});
