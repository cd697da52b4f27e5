// `bun run bench relay`: what it costs to have Hapta in front of PocketBase, beside the usual proxies.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderGoals } from "../support/goals.ts";
import { describeMachine, describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { createQuietWait } from "../support/quiet.ts";
import { findTool, requireTools, versionOf } from "../support/tools.ts";
import { type BenchUpstream, startUpstream } from "../support/upstream.ts";
import { type BulkRun, measureBulk } from "./bulk.ts";
import { bulkGoals, smallGetGoals } from "./goals.ts";
import { type RelayResult, renderRelay } from "./report.ts";
import { measureSmallGets, type SmallGetRun } from "./smallGets.ts";
import { startTarget, type Target, type TargetName } from "./targets.ts";

const RESULTS_DIR = join(import.meta.dir, "..", "results");
const ROUNDS_MIN = 5;
/** How long the whole benchmark may wait for other programs to finish. */
const QUIET_WAIT_MS = 240_000;

/** Measures, prints the goals with their verdicts, and writes `results/relay.md` and the raw rounds. */
export const benchRelay = async (options: BenchOptions): Promise<void> => {
  const tools = requireTools(["wrk", "curl", "nginx", "caddy"]);
  if (options.rounds < ROUNDS_MIN) console.error(`Fewer than ${ROUNDS_MIN} rounds: for a quick look only.`);
  const machine = describeMachine();
  const revision = describeRevision();
  const waitForQuiet = createQuietWait(QUIET_WAIT_MS);
  await using upstream = await startUpstream();
  const paths = { health: "/api/health", "one record": upstream.recordPath };
  const smallGets = await withTargets(["direct", "hapta", "nginx", "caddy", "haproxy"], upstream, (targets) =>
    measureSmallGets({ ...options, wrk: tools.wrk, targets, upstreamPid: upstream.pid, paths, waitForQuiet }),
  );
  const bulk = await withTargets(["direct", "hapta", "nginx", "haproxy"], upstream, (targets) =>
    measureBulk({ ...options, curl: tools.curl, targets, upstream, waitForQuiet }),
  );
  const versions = {
    PocketBase: versionOf(upstream.binary, "--version"),
    nginx: versionOf(tools.nginx, "-v"),
    Caddy: versionOf(tools.caddy, "version"),
    ...haproxyVersion(),
  };
  const result: RelayResult = {
    date: new Date().toISOString().slice(0, 10),
    command: options.command,
    machine,
    revision,
    versions,
    rounds: options.rounds,
    seconds: options.seconds,
    targets: [...new Set(smallGets.map((run) => run.target))],
    paths,
    goals: toGoals(Object.keys(paths), smallGets, bulk),
    smallGets,
    bulk,
  };
  console.log(renderGoals(result.goals));
  if (options.saves) save(result);
};

/** All rows, in the order of the page. */
export const toGoals = (
  labels: readonly string[],
  smallGets: readonly SmallGetRun[],
  bulk: readonly BulkRun[],
): RelayResult["goals"] => [
  ...labels.flatMap((label) => smallGetGoals(smallGets, label)),
  ...bulkGoals(bulk, "download"),
  ...bulkGoals(bulk, "upload"),
];

/** Starts targets one after the other, lends them out, stops them whatever happens. */
const withTargets = async <T>(
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

const haproxyVersion = (): Readonly<Record<string, string>> => {
  const haproxy = findTool("haproxy");
  return haproxy === undefined ? {} : { HAProxy: versionOf(haproxy, "-v") };
};

const save = (result: RelayResult): void => {
  mkdirSync(RESULTS_DIR, { recursive: true });
  writeFileSync(join(RESULTS_DIR, `relay-${result.date}.json`), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(RESULTS_DIR, "relay.md"), renderRelay(result));
};
