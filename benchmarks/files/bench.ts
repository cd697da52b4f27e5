// `bun run bench files`: a large file up and down beside a direct connection, a kept file of 1 MB beside nginx serving the
// same, and a kept thumb beside PocketBase.
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../tests/support/eventually.ts";
import { startHapta } from "../../tests/support/hapta.ts";
import { describeMachine, describeRevision } from "../support/machine.ts";
import { startNginx } from "../support/nginx.ts";
import type { BenchOptions } from "../support/options.ts";
import { createQuietWait, type WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import { requireTools } from "../support/tools.ts";
import { startUpstream } from "../support/upstream.ts";
import { runWrk } from "../support/wrk.ts";
import { BULK_BYTES, loadFiles } from "./fixture.ts";
import { renderPage } from "./report.ts";
import { measureTransfers } from "./transfers.ts";

const QUIET_WAIT_MS = 60_000;
const KEEP_TRIES = 5;
const KEPT_WAIT_MS = 5_000;
/** Limits stay on, with room for one address that asks without a pause. */
const GENEROUS = { isEnabled: true, Max: 1_000_000, Duration: 1_000 };

/** One run of wrk. */
export interface HitRun {
  readonly what: "1 MB" | "thumb";
  readonly target: "hapta" | "nginx" | "pocketbase";
  readonly round: number;
  readonly requestsPerSecond: number;
  readonly cpuUsPerRequest: number;
  readonly foreignCpus: number;
}

/** What is asked of whom. */
interface Wish extends Pick<HitRun, "what" | "target"> {
  readonly url: string;
  readonly pid: number;
}

interface HitOptions extends Pick<BenchOptions, "rounds" | "seconds"> {
  readonly wrk: string;
  readonly upstreamPid: number;
  readonly waitForQuiet: WaitForQuiet;
}

/** Measures, prints a page, and writes `results/files.md` and the raw rounds. */
export const benchFiles = async (options: BenchOptions): Promise<void> => {
  const { wrk, nginx, curl } = requireTools(["wrk", "nginx", "curl"]);
  const waitForQuiet = createQuietWait(QUIET_WAIT_MS);
  await using upstream = await startUpstream();
  const files = await loadFiles(upstream);
  // What is relayed and what is kept have a Hapta each.
  await using relay = await startHapta(upstream, {
    config: { ratelimit: GENEROUS, Files: { CacheBytes: 0 } },
  });
  await using hapta = await startHapta(upstream, { config: { ratelimit: GENEROUS } });
  await keep(hapta.url + files.bulk);
  const transfers = await measureTransfers({
    curl,
    targets: [
      { name: "direct", url: upstream.url, pid: upstream.pid },
      { name: "hapta", url: relay.url, pid: relay.child.pid },
      { name: "kept", url: hapta.url, pid: hapta.child.pid },
    ],
    files,
    rounds: options.rounds,
    waitForQuiet,
  });
  await using web = await startNginx({
    nginx,
    dir: join(upstream.dir, "nginx-files"),
    server: `root ${files.dir}; sendfile on; tcp_nopush on;`,
    probe: "/hit.bin",
  });
  const hits = await measureHits(
    [
      { what: "1 MB", target: "hapta", url: hapta.url + files.hit, pid: hapta.child.pid },
      { what: "1 MB", target: "nginx", url: `${web.url}/hit.bin`, pid: web.pid },
      { what: "thumb", target: "hapta", url: hapta.url + files.thumb, pid: hapta.child.pid },
      { what: "thumb", target: "pocketbase", url: upstream.url + files.thumb, pid: upstream.pid },
    ],
    { ...options, wrk, upstreamPid: upstream.pid, waitForQuiet },
  );
  const page = renderPage(options, transfers, hits);
  console.log(page);
  if (!options.saves) return;
  const dir = join(import.meta.dir, "..", "results");
  mkdirSync(dir, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const about = { date, command: options.command, machine: describeMachine(), revision: describeRevision() };
  const text = JSON.stringify({ ...about, transfers, hits }, null, 2);
  writeFileSync(join(dir, `files-${date}.json`), `${text}\n`);
  writeFileSync(join(dir, "files.md"), page);
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

const measureHits = async (wishes: readonly Wish[], options: HitOptions): Promise<readonly HitRun[]> => {
  const { rounds, seconds, wrk, upstreamPid, waitForQuiet } = options;
  const runs: HitRun[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const { what, target, url, pid } of orderOf(wishes, round)) {
      for (let i = 0; i < 5; i++) await (await fetch(url)).arrayBuffer();
      await waitForQuiet();
      const load = await runWrk({ wrk, url, seconds, paceMs: 0, serverPid: pid, upstreamPid });
      if (load.failed > 0) throw new Error(`${what} from ${target}: ${load.failed} answers failed`);
      const { cpuUsPerRequest, foreignCpus } = load;
      const requestsPerSecond = load.requests / load.seconds;
      runs.push({ what, target, round, requestsPerSecond, cpuUsPerRequest, foreignCpus });
    }
  }
  return runs;
};
