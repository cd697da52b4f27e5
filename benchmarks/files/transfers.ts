// One large file through each target, as a form on its way up and as a download: how fast it moves.
import { join } from "node:path";
import { treeCpuUs } from "../support/processTree.ts";
import type { WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import { requireTools } from "../support/tools.ts";
import { BULK_BYTES, type Files } from "./fixture.ts";
import type { Target, TargetName } from "./targets.ts";

const TIMEOUT_SECONDS = 120;

/** One file, moved once. */
export interface TransferRun {
  readonly direction: "upload" | "download";
  readonly target: TargetName;
  readonly round: number;
  readonly bytesPerSecond: number;
  readonly cpuUs: number;
}

export interface TransferOptions {
  readonly curl: string;
  /** Address that the client takes, where it matters. */
  readonly from?: string;
  readonly targets: readonly Target[];
  readonly files: Files;
  readonly rounds: number;
  /** Rounds of downloads for each of uploads, which take ten times as long. */
  readonly downloadRounds?: number;
  readonly waitForQuiet: WaitForQuiet;
}

/**
 * All rounds of both directions, after one of each that does not count. Downloads first, and nothing is left to be written
 * then: the disk of an upload takes CPU time for seconds after its end.
 */
export const measureTransfers = async (options: TransferOptions): Promise<readonly TransferRun[]> => {
  const { targets, downloadRounds = 1, waitForQuiet } = options;
  const { sync } = requireTools(["sync"]);
  const runs: TransferRun[] = [];
  for (const direction of ["download", "upload"] as const) {
    const rounds = options.rounds * (direction === "download" ? downloadRounds : 1);
    const asked = targets.filter(({ takesForms }) => direction === "download" || takesForms);
    Bun.spawnSync([sync, "-f", options.files.dir]);
    for (let round = -1; round < rounds; round++) {
      for (const target of orderOf(asked, round + 1)) {
        await waitForQuiet();
        const { pid } = target.server;
        const beforeUs = treeCpuUs(pid);
        const bytesPerSecond = await transfer(options, target, direction);
        const cpuUs = treeCpuUs(pid) - beforeUs;
        if (round >= 0) runs.push({ direction, target: target.name, round, bytesPerSecond, cpuUs });
      }
    }
  }
  return runs;
};

// What was stored is deleted again: the disk shall not fill up.
const transfer = async (
  { curl, files, from }: TransferOptions,
  { name, server: { url }, bulk }: Target,
  direction: TransferRun["direction"],
): Promise<number> => {
  const what =
    direction === "download"
      ? ["-o", "/dev/null", url + bulk]
      : ["-F", `file=@${join(files.dir, "bulk.bin")}`, "-H", "Expect:", url + files.records];
  const source = from === undefined ? [] : ["--interface", from];
  const format = "\n%{http_code} %{size_download} %{size_upload} %{time_total}";
  const child = Bun.spawn(
    [curl, "-sS", ...source, "--max-time", String(TIMEOUT_SECONDS), "-w", format, ...what],
    { stdout: "pipe", stderr: "inherit" },
  );
  const output = await new Response(child.stdout).text();
  await child.exited;
  const figures = output.slice(output.lastIndexOf("\n") + 1);
  const [status, down = 0, up = 0, seconds = 0] = figures.split(" ").map(Number);
  const bytes = direction === "download" ? down : up;
  if (status !== 200 || bytes < BULK_BYTES) throw new Error(`${direction} through ${name}: ${output}`);
  const id = /"id":"(\w+)"/.exec(output)?.[1];
  if (id !== undefined) await fetch(`${url}${files.records}/${id}`, { method: "DELETE" });
  return bytes / seconds;
};
