// One gigabyte each way for a client behind a link. Started in a network of its own, where it measures and prints the runs.
import { measureLinked, runOverLink } from "../support/link.ts";
import { type BulkRun, measureBulk } from "./bulk.ts";
import { withTargets } from "./targets.ts";

const QUIET_WAIT_MS = 60_000;

/** Runs {@link measureBulk} over the link. @returns no run at all where there is no way to have one. */
export const measureOverLink = (rounds: number): Promise<readonly BulkRun[]> =>
  runOverLink(import.meta.path, rounds);

if (import.meta.main)
  await measureLinked(QUIET_WAIT_MS, (parts) =>
    withTargets(["direct", "hapta"], parts.upstream, (targets) => measureBulk({ ...parts, targets })),
  );
