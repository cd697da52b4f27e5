// The servers that are compared, each in front of the same PocketBase.
import { startHapta } from "../../tests/support/hapta.ts";
import { type RelayName, startRelay } from "../support/relays.ts";
import { borrowed, haptaServer, type Server } from "../support/servers.ts";
import type { BenchUpstream } from "../support/upstream.ts";

export type TargetName = "direct" | "hapta" | RelayName;

export type Target = Server<TargetName>;

// A kept answer would not be relayed at all.
const RELAYING = { Cache: { isEnabled: false }, Files: { CacheBytes: 0 } };

/** Starts a target. `haproxy` is optional: undefined when it is not installed. */
const startTarget = async (name: TargetName, upstream: BenchUpstream): Promise<Target | undefined> => {
  if (name === "direct") return borrowed(name, upstream);
  if (name === "hapta") return haptaServer(name, await startHapta(upstream, { config: RELAYING }));
  return await startRelay(name, upstream);
};

/** Starts targets one after the other, lends them out, stops them whatever happens. */
export const withTargets = async <T>(
  names: readonly TargetName[],
  upstream: BenchUpstream,
  use: (targets: readonly Target[]) => Promise<T>,
): Promise<T> => {
  await using started = new AsyncDisposableStack();
  const targets: Target[] = [];
  for (const name of names) {
    const target = await startTarget(name, upstream);
    if (target === undefined) console.error(`${name} is not installed: measured without it.`);
    else targets.push(started.use(target));
  }
  return await use(targets);
};
