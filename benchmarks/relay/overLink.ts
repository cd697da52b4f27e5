// One gigabyte each way for a client behind a link. Started in a network of its own, where it measures and prints the runs.
import { LINKED_CLIENT, runOverLink, shapeLink } from "../support/link.ts";
import { createQuietWait } from "../support/quiet.ts";
import { requireTools } from "../support/tools.ts";
import { startUpstream } from "../support/upstream.ts";
import { type BulkRun, measureBulk } from "./bulk.ts";
import { withTargets } from "./targets.ts";

const QUIET_WAIT_MS = 60_000;

/** Runs {@link measureBulk} over the link. @returns no run at all where there is no way to have one. */
export const measureOverLink = async (rounds: number): Promise<readonly BulkRun[]> =>
  ((await runOverLink(import.meta.path, rounds)) ?? []) as readonly BulkRun[];

if (import.meta.main) {
  const rounds = shapeLink();
  const { curl } = requireTools(["curl"]);
  await using upstream = await startUpstream();
  const waitForQuiet = createQuietWait(QUIET_WAIT_MS);
  const runs = await withTargets(["direct", "hapta"], upstream, (targets) =>
    measureBulk({ curl, from: LINKED_CLIENT, targets, upstream, rounds, waitForQuiet }),
  );
  process.stdout.write(JSON.stringify(runs));
}
