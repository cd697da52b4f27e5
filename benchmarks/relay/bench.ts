// `bun run bench relay`: what it costs to have Hapta in front of PocketBase, beside the usual proxies.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderGoals } from "../support/goals.ts";
import { LINK_GBITS } from "../support/link.ts";
import { describeMachine, describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { createQuietWait } from "../support/quiet.ts";
import { findTool, requireTools, versionOf } from "../support/tools.ts";
import { startUpstream } from "../support/upstream.ts";
import { DIRECTIONS, measureBulk } from "./bulk.ts";
import { bulkGoals, smallGetGoals } from "./goals.ts";
import { measureOverLink } from "./overLink.ts";
import { type RelayResult, renderRelay } from "./report.ts";
import { measureSmallGets } from "./smallGets.ts";
import { withTargets } from "./targets.ts";

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
  const overLink = await measureOverLink(options.rounds);
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
    goals: toGoals(Object.keys(paths), { smallGets, bulk, overLink }),
    smallGets,
    bulk,
    overLink,
  };
  console.log(renderGoals(result.goals));
  if (options.saves) save(result);
};

/** All rows, in the order of the page. */
export const toGoals = (
  labels: readonly string[],
  { smallGets, bulk, overLink }: Pick<RelayResult, "smallGets" | "bulk" | "overLink">,
): RelayResult["goals"] => [
  ...labels.flatMap((label) => smallGetGoals(smallGets, label)),
  ...DIRECTIONS.flatMap((direction) => bulkGoals(bulk, `1 GB ${direction}`, direction)),
  ...(overLink.length === 0 ? [] : DIRECTIONS).flatMap((direction) =>
    bulkGoals(overLink, `1 GB ${direction} over ${LINK_GBITS} Gbit/s`, direction),
  ),
];

const haproxyVersion = (): Readonly<Record<string, string>> => {
  const haproxy = findTool("haproxy");
  return haproxy === undefined ? {} : { HAProxy: versionOf(haproxy, "-v") };
};

const save = (result: RelayResult): void => {
  mkdirSync(RESULTS_DIR, { recursive: true });
  writeFileSync(join(RESULTS_DIR, `relay-${result.date}.json`), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(RESULTS_DIR, "relay.md"), renderRelay(result));
};
