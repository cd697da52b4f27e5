// The model suite of the cache: draws an app, lets everybody read and write, and compares Hapta with PocketBase asked
// directly as the same caller. What it finds, it throws with the seed that finds it again.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startRelay } from "../cache/relay.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { startAgain, startPocketBase } from "../support/pocketbase.ts";
import { Scene } from "./cacheScene.ts";
import { planSteps, type Rounds, STEPS } from "./cacheSteps.ts";
import { HOOKS } from "./cacheWorld.ts";

/** How a run is made. The same options draw the same app and the same steps, whatever the clock says. */
export interface ModelOptions {
  readonly seed: number;
  readonly rounds: Rounds;
  /** What is started as Hapta, where it is not this project. */
  readonly entry?: string;
  /** All that is read before and after each change; some of everything unless told. */
  readonly urls?: readonly string[];
}

/** What a run did: how often, by a word each. */
export type ModelCounts = Readonly<Record<string, number>>;

/** What a run was, in one line. */
export const summaryOf = (counts: ModelCounts): string =>
  Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(", ");

/** Events come at once, or so late that what Hapta knows of its own writes it has to know by itself. */
const FEED_DELAYS_MS = [0, 4, 80];

/** Runs the model. @throws Error that names the seed, the step, and both answers. */
export const runCacheModel = async ({ seed, rounds, ...how }: ModelOptions): Promise<ModelCounts> => {
  const prepare = (dir: string): void => writeFileSync(join(dir, "pb_hooks", "model.pb.js"), HOOKS);
  await using upstream = await startPocketBase({ prepare });
  await using children = new AsyncDisposableStack();
  let child = upstream.child;
  const restart = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
    child = children.use(await startAgain(upstream));
  };
  await using relay = await startRelay(upstream.url, FEED_DELAYS_MS[seed % FEED_DELAYS_MS.length]);
  await using hapta: Hapta = await startHapta(relay, {
    config: { Cache: { isEnabled: true, VerifyRate: 0 }, Network: { TrustedProxies: ["127.0.0.1/32"] } },
    ...(how.entry === undefined ? {} : { entry: how.entry }),
  });
  const scene = new Scene({
    ...{ upstreamUrl: upstream.url, haptaUrl: hapta.url, relay, restart, seed },
    urls: how.urls,
  });
  const steps = planSteps(scene, rounds);
  let where = "the start";
  try {
    await scene.prepare();
    for (const [i, name] of steps.entries()) {
      where = `step ${i + 1} of ${steps.length} (${name}), after`;
      await STEPS[name](scene);
      scene.count(name);
    }
    return scene.counts;
  } catch (error) {
    where = `seed ${seed}, ${where} ${scene.doing}`;
    throw new Error(`${where}\n${String(error)}\n${hapta.child.output().slice(-2000)}`, { cause: error });
  }
};
