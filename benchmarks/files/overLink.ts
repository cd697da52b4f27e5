// The transfers for a client behind a link. Started in a network of its own, where it measures and prints the runs.
import { measureLinked, runOverLink } from "../support/link.ts";
import { loadFiles } from "./fixture.ts";
import { startHaptas } from "./targets.ts";
import { measureTransfers, type TransferRun } from "./transfers.ts";

const QUIET_WAIT_MS = 20_000;
/** Rounds of downloads for each of the others. */
export const DOWNLOAD_ROUNDS = 4;

/** Runs {@link measureTransfers} over the link. @returns no run at all where there is no way to have one. */
export const measureOverLink = (rounds: number): Promise<readonly TransferRun[]> =>
  runOverLink(import.meta.path, rounds);

if (import.meta.main)
  await measureLinked(QUIET_WAIT_MS, async ({ upstream, ...client }) => {
    await using stack = new AsyncDisposableStack();
    const files = await loadFiles(upstream);
    const targets = await startHaptas(upstream, files, stack);
    return await measureTransfers({ ...client, targets, files, downloadRounds: DOWNLOAD_ROUNDS });
  });
