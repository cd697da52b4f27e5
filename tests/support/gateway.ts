// One PocketBase with Hapta in front of it and the fixture's callers logged in, for all tests of a file.
import { afterAll, beforeAll } from "bun:test";
import { loginCallers, type World } from "./fixture/load.ts";
import { type Hapta, type HaptaOptions, startHapta } from "./hapta.ts";
import { type PocketBase, type PocketBaseOptions, startPocketBase } from "./pocketbase.ts";

const START_MS = 60_000;

/** What a file's tests ask; there from its first test on. */
export interface Gateway {
  readonly pocketbase: PocketBase;
  readonly hapta: Hapta;
  /** Hapta's tokens of the callers. */
  readonly tokens: World["tokens"];
}

/** Starts both before the tests of the file that calls it, and ends them after the last. */
export const useGateway = (options: HaptaOptions & Pick<PocketBaseOptions, "prepare"> = {}): Gateway => {
  const running = new AsyncDisposableStack();
  let gateway: Gateway | undefined;
  beforeAll(async () => {
    const { prepare, ...ofHapta } = options;
    const pocketbase = running.use(await startPocketBase(prepare === undefined ? {} : { prepare }));
    const hapta = running.use(await startHapta(pocketbase, ofHapta));
    gateway = { pocketbase, hapta, tokens: await loginCallers(hapta.url) };
  }, START_MS);
  afterAll(() => running.disposeAsync());
  const started = (): Gateway => {
    if (gateway === undefined) throw new Error("nothing runs before the first test");
    return gateway;
  };
  return {
    get pocketbase() {
      return started().pocketbase;
    },
    get hapta() {
      return started().hapta;
    },
    get tokens() {
      return started().tokens;
    },
  };
};
