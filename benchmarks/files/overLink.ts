// The transfers for a client behind a link. Started in a network of its own, where it measures and prints the runs.
import { LINKED_CLIENT, runOverLink, shapeLink } from "../support/link.ts";
import { createQuietWait } from "../support/quiet.ts";
import { requireTools } from "../support/tools.ts";
import { startUpstream } from "../support/upstream.ts";
import { loadFiles } from "./fixture.ts";
import { startHaptas } from "./targets.ts";
import { measureTransfers, type TransferRun } from "./transfers.ts";

const QUIET_WAIT_MS = 20_000;

/** Runs {@link measureTransfers} over the link. @returns no run at all where there is no way to have one. */
export const measureOverLink = async (rounds: number): Promise<readonly TransferRun[]> =>
  ((await runOverLink(import.meta.path, rounds)) ?? []) as readonly TransferRun[];

if (import.meta.main) {
  const rounds = shapeLink();
  const { curl } = requireTools(["curl"]);
  await using upstream = await startUpstream();
  await using stack = new AsyncDisposableStack();
  const files = await loadFiles(upstream);
  const targets = await startHaptas(upstream, files, stack);
  const waitForQuiet = createQuietWait(QUIET_WAIT_MS);
  const runs = await measureTransfers({ curl, from: LINKED_CLIENT, targets, files, rounds, waitForQuiet });
  process.stdout.write(JSON.stringify(runs));
}
