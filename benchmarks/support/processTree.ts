// What a server has cost so far, from the kernel's own books: CPU time and peak memory of a process and
// all its descendants. Linux only.
import { readdirSync, readFileSync } from "node:fs";

// USER_HZ is 100 on every Linux Bun runs on.
const US_PER_TICK = 10_000;

interface ProcessStat {
  readonly parent: number;
  readonly cpuUs: number;
}

// proc(5): the name in parentheses may hold blanks, so fields are counted from the last ")".
const readStat = (pid: string): ProcessStat | undefined => {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined; // ended between the listing and the reading
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { parent: Number(fields[1]), cpuUs: ticks * US_PER_TICK };
};

/** The process and its descendants, with the CPU time of each so far in us. */
const treeOf = (root: number): ReadonlyMap<number, number> => {
  const stats = new Map<number, ProcessStat>();
  for (const name of readdirSync("/proc")) {
    const stat = /^[0-9]+$/.test(name) ? readStat(name) : undefined;
    if (stat !== undefined) stats.set(Number(name), stat);
  }
  const tree = new Map<number, number>();
  const visit = (pid: number): void => {
    const stat = stats.get(pid);
    if (stat === undefined) return;
    tree.set(pid, stat.cpuUs);
    for (const [child, { parent }] of stats) if (parent === pid) visit(child);
  };
  visit(root);
  return tree;
};

/** CPU time of a process tree so far, user and system of all threads, in us (in steps of 10,000). */
export const treeCpuUs = (root: number): number =>
  [...treeOf(root).values()].reduce((sum, us) => sum + us, 0);

/** CPU time of the live threads of one process so far in us, as exact as the scheduler keeps it (ns). */
export const threadsCpuUs = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + threadCpuUs(pid, thread), 0);

const threadCpuUs = (pid: number, thread: string): number => {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ", 1)[0]) / 1000;
  } catch {
    return 0; // ended between the listing and the reading
  }
};

/** Ends a process tree at once. Only for trees this program started. */
export const killTree = (root: number): void => {
  for (const pid of treeOf(root).keys()) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself just now.
    }
  }
};

/** Sum of the peak resident sizes of a process tree, in bytes. */
export const treePeakBytes = (root: number): number => sumOf(root, /^VmHWM:\s+([0-9]+) kB$/m);

/** Sum of the resident sizes of a process tree at this moment, in bytes. */
export const treeResidentBytes = (root: number): number => sumOf(root, /^VmRSS:\s+([0-9]+) kB$/m);

const sumOf = (root: number, line: RegExp): number => {
  let bytes = 0;
  for (const pid of treeOf(root).keys())
    bytes += Number(line.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) * 1024;
  return bytes;
};

/** Busy time of the whole machine so far, all CPUs together, in us. */
export const machineBusyUs = (): number => {
  const [, user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "latin1").split(/\s+/, 9);
  const ticks = [user, nice, system, irq, softirq].reduce((sum, text) => sum + Number(text ?? 0), 0);
  return ticks * US_PER_TICK;
};
