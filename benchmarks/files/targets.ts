// Whom a large file goes through: PocketBase itself, Hapta as a relay and with the file kept, and what others reach.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../tests/support/eventually.ts";
import { startHapta } from "../../tests/support/hapta.ts";
import { startNginx } from "../support/nginx.ts";
import { startRelay } from "../support/relays.ts";
import { borrowed, haptaServer, type Server } from "../support/servers.ts";
import { requireTools } from "../support/tools.ts";
import type { BenchUpstream } from "../support/upstream.ts";
import { BULK_BYTES, type Files } from "./fixture.ts";

/** Limits stay on, with room for one address that asks without a pause. */
const GENEROUS = { isEnabled: true, Max: 1_000_000, Duration: 1_000 };
const KEEP_TRIES = 5;
const KEPT_WAIT_MS = 5_000;

/**
 * - `hapta`: keeps nothing.
 * - `kept`: a Hapta that answers from its disk.
 * - `nginx`, `haproxy`: relays; HAProxy's bodies stay in the kernel.
 * - `static`: nginx that sends the file itself, in the kernel (`sendfile`).
 */
export type TargetName = "direct" | "hapta" | "kept" | "nginx" | "haproxy" | "static";

/** A server, and what is asked of it. */
export interface Target {
  readonly name: TargetName;
  readonly server: Server;
  /** Path of the file that is moved. */
  readonly bulk: string;
  /** Whether a form is sent to it, too. */
  readonly takesForms: boolean;
}

/** Starts PocketBase's two Haptas onto `stack`. */
export const startHaptas = async (
  upstream: BenchUpstream,
  { bulk }: Files,
  stack: AsyncDisposableStack,
): Promise<readonly Target[]> => {
  const config = { ratelimit: GENEROUS, Files: { CacheBytes: 0 } };
  const hapta = stack.use(haptaServer("hapta", await startHapta(upstream, { config })));
  const keeping = await startHapta(upstream, { config: { ratelimit: GENEROUS } });
  const kept = stack.use(haptaServer("kept", keeping));
  await keep(kept.url + bulk);
  return [
    { name: "direct", server: borrowed("direct", upstream), bulk, takesForms: true },
    { name: "hapta", server: hapta, bulk, takesForms: true },
    { name: "kept", server: kept, bulk, takesForms: false },
  ];
};

/** Starts what others have onto `stack`. A missing HAProxy is said and left out. */
export const startOthers = async (
  upstream: BenchUpstream,
  { bulk, dir }: Files,
  stack: AsyncDisposableStack,
): Promise<readonly Target[]> => {
  const { nginx } = requireTools(["nginx"]);
  const targets: Target[] = [];
  for (const name of ["nginx", "haproxy"] as const) {
    const server = await startRelay(name, upstream);
    if (server === undefined) console.error(`${name} is not installed: measured without it.`);
    else targets.push({ name, server: stack.use(server), bulk, takesForms: false });
  }
  const web = await startNginx({
    nginx,
    dir: join(upstream.dir, "nginx-files"),
    server: `root ${dir}; sendfile on; tcp_nopush on;`,
    probe: "/hit.bin",
  });
  return [...targets, { name: "static", server: stack.use(web), bulk: "/bulk.bin", takesForms: false }];
};

/**
 * Downloads a file until it is kept. What moves the change feed, as a busy machine may, makes Hapta drop the copy of a
 * download under way, and a `HEAD` makes none.
 */
const keep = async (url: string): Promise<void> => {
  let status = "";
  const isKept = async (): Promise<boolean> => {
    status = (await fetch(url, { method: "HEAD" })).headers.get("cache-status") ?? "none";
    return status === "hapta; hit";
  };
  for (let i = 0; i < KEEP_TRIES; i++) {
    for await (const _ of (await fetch(url)).body ?? []);
    // The copy is whole a moment after the download is.
    if (await eventually(isKept, KEPT_WAIT_MS).catch(() => false)) return;
  }
  throw new Error(
    `Hapta kept no copy of ${BULK_BYTES / 1e6} MB after ${KEEP_TRIES} downloads (Cache-Status: ${status}). ` +
      `It takes half of what is free on the disk of ${tmpdir()}, and a file half of that at most.`,
  );
};
