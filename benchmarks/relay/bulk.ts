// One gigabyte each way through a target: speed, and how far the server's memory rises meanwhile.
import { join } from "node:path";
import { treeCpuUs, treePeakBytes } from "../support/processTree.ts";
import type { WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import { type BenchUpstream, FILES } from "../support/upstream.ts";
import type { Target, TargetName } from "./targets.ts";

export const DIRECTIONS = ["download", "upload"] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface BulkRun {
  readonly target: TargetName;
  readonly direction: Direction;
  readonly round: number;
  readonly bytesPerSecond: number;
  /** CPU time of the server under test, in us. */
  readonly cpuUs: number;
  /** Peak resident size since the warm-up, as growth over it, in bytes. */
  readonly peakGrowthBytes: number;
}

export interface BulkOptions {
  readonly curl: string;
  /** Address that the client takes, where it matters. */
  readonly from?: string;
  /** Freshly started, so that their peak memory is that of these transfers. */
  readonly targets: readonly Target[];
  readonly upstream: BenchUpstream;
  readonly rounds: number;
  readonly waitForQuiet: WaitForQuiet;
}

const TIMEOUT_SECONDS = 120;

/** All rounds of both directions. One small transfer each way comes first: it sets the memory to grow from. */
export const measureBulk = async (options: BulkOptions): Promise<readonly BulkRun[]> => {
  const { targets, upstream } = options;
  // Fills the page cache, so that the first transfer of a large file is like the others.
  for (const name of Object.keys(FILES))
    await Bun.spawn(["cat", join(upstream.filesDir, name)], QUIETLY).exited;
  const runs: BulkRun[] = [];
  const peaks = new Map<TargetName, number>();
  for (const target of targets) {
    for (const direction of DIRECTIONS) await transfer({ ...options, target, direction, file: "small.bin" });
    peaks.set(target.name, treePeakBytes(target.pid));
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const direction of DIRECTIONS) {
      for (const target of orderOf(targets, round)) {
        await options.waitForQuiet();
        const beforeUs = treeCpuUs(target.pid);
        const bytesPerSecond = await transfer({ ...options, target, direction, file: "large.bin" });
        const cpuUs = treeCpuUs(target.pid) - beforeUs;
        const peakGrowthBytes = treePeakBytes(target.pid) - (peaks.get(target.name) ?? 0);
        const run: BulkRun = {
          target: target.name,
          direction,
          round,
          bytesPerSecond,
          cpuUs,
          peakGrowthBytes,
        };
        console.error(renderLine(run));
        runs.push(run);
      }
    }
  }
  return runs;
};

const QUIETLY = { stdout: "ignore", stderr: "inherit" } as const;

const renderLine = (run: BulkRun): string =>
  `${run.direction} round ${run.round + 1} ${run.target} ${Math.round(run.bytesPerSecond / 1e6)} MB/s ` +
  `cpu ${run.cpuUs / 1000} ms grew ${(run.peakGrowthBytes / 1e6).toFixed(1)} MB`;

interface Transfer extends Pick<BulkOptions, "curl" | "from" | "upstream"> {
  readonly target: Target;
  readonly direction: Direction;
  readonly file: keyof typeof FILES;
}

/** Moves one file. @returns bytes per second. @throws Error unless all of it arrived. */
const transfer = async ({ curl, from, target, direction, upstream, file }: Transfer): Promise<number> => {
  const what =
    direction === "download"
      ? ["-o", "/dev/null", `${target.url}/${file}`]
      : ["-T", join(upstream.filesDir, file), "-H", "Expect:", "-o", "/dev/null", `${target.url}/bench/sink`];
  const format = "%{http_code} %{size_download} %{size_upload} %{time_total}";
  const source = from === undefined ? [] : ["--interface", from];
  const child = Bun.spawn(
    [curl, "-sS", ...source, "--max-time", String(TIMEOUT_SECONDS), "-w", format, ...what],
    { stdout: "pipe", stderr: "inherit" },
  );
  const output = await new Response(child.stdout).text();
  await child.exited;
  const [status, down, up, seconds = 0] = output.split(" ").map(Number);
  const bytes = direction === "download" ? down : up;
  if (status !== 200 || bytes !== FILES[file]) {
    throw new Error(`${direction} of ${file} through ${target.name}: status ${status}, ${bytes} bytes`);
  }
  return bytes / seconds;
};
