// Runs one suite against every target: bare PocketBase first (it proves the test right), then Hapta in front of one.
import { afterAll, beforeAll, describe, setDefaultTimeout } from "bun:test";
import { DescribedAnswers } from "./described.ts";
import { loginCallers, type World } from "./fixture/load.ts";
import { startHapta } from "./hapta.ts";
import { type PocketBase, startPocketBase } from "./pocketbase.ts";

const START_MS = 60_000;

// Longer than an exchange may take: a test that times out makes Bun kill the servers of the tests after it.
const TEST_MS = 120_000;

/** Where a suite's requests go. Fields may be read inside tests and hooks only. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly world: World;
  /** The PocketBase behind this target, for a look past the gateway. */
  readonly upstream: PocketBase;
  /** The address it is asked at. */
  readonly upstreamUrl: string;
  /** Compares answers with the API's own description; bare PocketBase has none. */
  readonly described: DescribedAnswers | undefined;
}

interface Running extends AsyncDisposable {
  readonly described?: DescribedAnswers;
  readonly url: string;
  readonly upstream: PocketBase;
  readonly upstreamUrl: string;
  /** The fixture with the tokens that this target hands out. */
  readonly world: World;
}

const startBare = async (): Promise<Running> => {
  const upstream = await startPocketBase();
  return {
    url: upstream.url,
    upstream,
    upstreamUrl: upstream.url,
    world: upstream.world,
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
};

const startBehindHapta = async (): Promise<Running> => {
  const upstream = await startPocketBase();
  try {
    const hapta = await startHapta(upstream, { isScanned: true });
    const stop = async (): Promise<void> => {
      await hapta[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    };
    const world = { ...upstream.world, tokens: await loginCallers(hapta.url) };
    const described = new DescribedAnswers(hapta.url);
    const { url, upstreamUrl } = hapta;
    return { url, upstream, upstreamUrl, world, described, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await upstream[Symbol.asyncDispose]();
    throw error;
  }
};

/** Each read is sent twice here: who sends compares the answers. */
const WARM = "warm";

/** All targets; a cluster joins here as a row. */
const TARGETS: Readonly<Record<string, () => Promise<Running>>> = {
  pocketbase: startBare,
  hapta: startBehindHapta,
  [WARM]: startBehindHapta,
};

/** The targets that this run is limited to by HAPTA_TEST_TARGETS, or all. */
export const selectedTargets = (): string[] => {
  const wanted = process.env["HAPTA_TEST_TARGETS"];
  const names = wanted === undefined || wanted === "" ? Object.keys(TARGETS) : wanted.split(",");
  for (const name of names)
    if (TARGETS[name] === undefined) throw new Error(`HAPTA_TEST_TARGETS: no target ${name}`);
  return names;
};

/**
 * Registers `body` once per target; each target has one fresh instance, shared by the tests of `body`.
 * @param isRead - It is about reads of records, so the target with a warm cache takes part.
 */
export const describeTargets = (
  suite: string,
  body: (target: Target) => void,
  { isRead = false }: { readonly isRead?: boolean } = {},
): void => {
  setDefaultTimeout(TEST_MS);
  for (const name of selectedTargets().filter((one) => isRead || one !== WARM)) {
    describe(`${suite} on ${name}`, () => {
      let running: Running | undefined;
      const current = (): Running => {
        if (running === undefined) throw new Error(`${name} is not running`);
        return running;
      };
      beforeAll(async () => {
        running = await TARGETS[name]?.();
      }, START_MS);
      afterAll(async () => {
        await running?.[Symbol.asyncDispose]();
      }, START_MS);
      body({
        name,
        get url() {
          return current().url;
        },
        get upstream() {
          return current().upstream;
        },
        get upstreamUrl() {
          return current().upstreamUrl;
        },
        get world() {
          return current().world;
        },
        get described() {
          return current().described;
        },
      });
    });
  }
};
