// Whom ten thousand clients of the benchmark are subscribed on: started for a part of a round, gone after it.
import { join } from "node:path";
import { startHapta } from "../../tests/support/hapta.ts";
import { freePort } from "../../tests/support/scratch.ts";
import type { BenchUpstream } from "../support/upstream.ts";
import { CONFIG, type Target } from "./results.ts";

/** As before an embedded PocketBase, where that is so by itself. */
const DECIDING = { ...CONFIG, Realtime: { ...CONFIG.Realtime, Decide: true } };

export interface Started extends AsyncDisposable {
  /** Where clients connect. */
  readonly port: number;
  /** Where an event is written that they hear of. */
  readonly url: string;
  readonly haptaPid: number | undefined;
}

/** Starts it, in front of `upstream` where that is its place. */
export const startTarget = async (target: Target, upstream: BenchUpstream): Promise<Started> => {
  if (target === "bare") return startBare();
  if (target === "hapta") {
    const hapta = await startHapta(upstream, { config: DECIDING });
    return {
      port: hapta.port,
      url: upstream.url,
      haptaPid: hapta.child.pid,
      [Symbol.asyncDispose]: () => hapta[Symbol.asyncDispose](),
    };
  }
  const port = Number(new URL(upstream.url).port);
  return { port, url: upstream.url, haptaPid: undefined, [Symbol.asyncDispose]: async () => undefined };
};

const startBare = async (): Promise<Started> => {
  const port = await freePort();
  const ready = Promise.withResolvers<void>();
  const child = Bun.spawn([process.execPath, "run", join(import.meta.dir, "bare.ts"), String(port)], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: () => ready.resolve(),
  });
  void child.exited.then((code) => ready.reject(new Error(`the bare server ended with ${code}`)));
  await ready.promise;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    haptaPid: undefined,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
};
