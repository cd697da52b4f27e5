// What the figures were measured on; written beside every result.
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly bun: string;
  readonly isVirtual: boolean;
}

export const describeMachine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cpus: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  bun: Bun.version,
  isVirtual: /^flags\s*:.*\bhypervisor\b/m.test(readFileSync("/proc/cpuinfo", "latin1")),
});

/** The machine in one line, as reports say it. */
export const renderMachine = ({ cpu, cpus, memoryGb, kernel, bun, isVirtual }: Machine): string =>
  `${cpu}, ${cpus} CPUs${isVirtual ? " (virtual)" : ""}, ${memoryGb} GB, Linux ${kernel}, Bun ${bun}`;

/** The revision that was measured; "+" when files differed from it. */
export const describeRevision = (): string => {
  const git = (...args: readonly string[]): string =>
    Bun.spawnSync(["git", "-C", import.meta.dir, ...args])
      .stdout.toString()
      .trim();
  const isClean = git("status", "--porcelain", "--", "../../src") === "";
  return `${git("rev-parse", "--short", "HEAD") || "unknown"}${isClean ? "" : "+"}`;
};
