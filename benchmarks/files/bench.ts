// `bun run bench files`: a large file up and down beside a direct connection, over a link and without one, a kept file of
// 1 MB beside nginx serving the same, and a kept thumb beside PocketBase.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeMachine, describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { createQuietWait } from "../support/quiet.ts";
import { requireTools } from "../support/tools.ts";
import { startUpstream } from "../support/upstream.ts";
import { type Files, loadFiles } from "./fixture.ts";
import { measureHits, type Wish } from "./hits.ts";
import { measureOverLink } from "./overLink.ts";
import { type Measured, renderPage } from "./report.ts";
import { startHaptas, startOthers, type Target } from "./targets.ts";
import { measureTransfers } from "./transfers.ts";

/** With the rounds of the default options the whole benchmark ends within five minutes. */
const QUIET_WAIT_MS = 20_000;

/** Measures, prints a page, and writes `results/files.md` and the raw rounds. */
export const benchFiles = async (options: BenchOptions): Promise<void> => {
  requireTools(["wrk", "nginx", "curl"]);
  const overLink = await measureOverLink(options.rounds);
  const measured = { overLink, ...(await measureHere(options)) };
  const page = renderPage(options, measured);
  console.log(page);
  if (!options.saves) return;
  const dir = join(import.meta.dir, "..", "results");
  mkdirSync(dir, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const about = { date, command: options.command, machine: describeMachine(), revision: describeRevision() };
  const text = JSON.stringify({ ...about, ...measured }, null, 2);
  writeFileSync(join(dir, `files-${date}.json`), `${text}\n`);
  writeFileSync(join(dir, "files.md"), page);
};

/** What is measured without a link. */
const measureHere = async (options: BenchOptions): Promise<Omit<Measured, "overLink">> => {
  const { wrk, curl } = requireTools(["wrk", "curl"]);
  const { rounds } = options;
  const waitForQuiet = createQuietWait(QUIET_WAIT_MS);
  await using upstream = await startUpstream();
  await using stack = new AsyncDisposableStack();
  const files = await loadFiles(upstream);
  const haptas = await startHaptas(upstream, files, stack);
  const targets = [...haptas, ...(await startOthers(upstream, files, stack))];
  const transfers = await measureTransfers({ curl, targets, files, rounds, waitForQuiet });
  const wishes = toWishes(targets, files);
  const hits = await measureHits(wishes, { ...options, wrk, upstreamPid: upstream.pid, waitForQuiet });
  return { transfers, hits };
};

const toWishes = (targets: readonly Target[], { hit, thumb }: Files): readonly Wish[] => {
  const wish = (
    what: Wish["what"],
    target: Wish["target"],
    asked: readonly [Target["name"], string],
  ): Wish[] =>
    targets
      .filter(({ name }) => name === asked[0])
      .map(({ server: { url, pid } }) => ({ what, target, url: url + asked[1], pid }));
  return [
    ...wish("1 MB", "hapta", ["kept", hit]),
    ...wish("1 MB", "nginx", ["static", "/hit.bin"]),
    ...wish("thumb", "hapta", ["kept", thumb]),
    ...wish("thumb", "pocketbase", ["direct", thumb]),
  ];
};
