// One run of wrk against one target, with what it cost: the server under test, PocketBase, everybody else.
import { join } from "node:path";
import { machineBusyUs, treeCpuUs } from "./processTree.ts";

/** What is loaded, and whose CPU time is read. */
export interface LoadOptions {
  readonly wrk: string;
  readonly url: string;
  readonly seconds: number;
  /** Average wait of each connection before its next request, in ms; 0 = none (closed loop at full speed). */
  readonly paceMs: number;
  /** Sent as `Authorization` with every request. */
  readonly authorization?: string;
  /** More headers of every request, each `Name: value`. */
  readonly headers?: readonly string[];
  /** Process whose tree is the server under test. */
  readonly serverPid: number;
  /** PocketBase; the same as `serverPid` when that is what is under test. */
  readonly upstreamPid: number;
}

/** Figures of one run. */
export interface Load {
  readonly requests: number;
  readonly seconds: number;
  /** Socket errors, timeouts and answers from 400 up. */
  readonly failed: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  /** CPU time of the server under test per completed request, in us. */
  readonly cpuUsPerRequest: number;
  /** The same of PocketBase. */
  readonly upstreamCpuUsPerRequest: number;
  /** CPUs kept busy by processes that have nothing to do with this run. */
  readonly foreignCpus: number;
}

/** Connections of every run. */
export const CONNECTIONS = 32;

type Report = Pick<Load, "requests" | "seconds" | "failed" | "p50Us" | "p90Us" | "p99Us">;

/** Loads `url` over 32 kept-alive connections from one thread. @throws Error when wrk fails. */
export const runWrk = async (options: LoadOptions): Promise<Load> => {
  const { serverPid, upstreamPid } = options;
  const script = join(import.meta.dir, "wrkReport.lua");
  const before = readClocks(serverPid, upstreamPid);
  const child = Bun.spawn(
    [
      options.wrk,
      "-t1",
      `-c${CONNECTIONS}`,
      `-d${options.seconds}s`,
      "--timeout",
      "10s",
      "-s",
      script,
      ...(options.authorization === undefined ? [] : ["-H", `Authorization: ${options.authorization}`]),
      ...(options.headers ?? []).flatMap((header) => ["-H", header]),
      options.url,
    ],
    { env: { PACE_MS: String(options.paceMs) }, stdout: "pipe", stderr: "inherit" },
  );
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`wrk failed against ${options.url}:\n${output}`);
  const after = readClocks(serverPid, upstreamPid);
  const report = JSON.parse(output.trim().split("\n").at(-1) ?? "") as Report;
  const serverUs = after.serverUs - before.serverUs;
  const upstreamUs = after.upstreamUs - before.upstreamUs;
  const wrkUs = Number(child.resourceUsage()?.cpuTime.total ?? 0);
  const knownUs =
    (serverPid === upstreamPid ? 0 : serverUs) + upstreamUs + wrkUs + (after.ownUs - before.ownUs);
  return {
    ...report,
    cpuUsPerRequest: serverUs / report.requests,
    upstreamCpuUsPerRequest: upstreamUs / report.requests,
    foreignCpus: Math.max(0, after.busyUs - before.busyUs - knownUs) / (after.wallUs - before.wallUs),
  };
};

interface Clocks {
  readonly serverUs: number;
  readonly upstreamUs: number;
  readonly ownUs: number;
  readonly busyUs: number;
  readonly wallUs: number;
}

const readClocks = (serverPid: number, upstreamPid: number): Clocks => {
  const own = process.cpuUsage();
  return {
    serverUs: treeCpuUs(serverPid),
    upstreamUs: treeCpuUs(upstreamPid),
    ownUs: own.user + own.system,
    busyUs: machineBusyUs(),
    wallUs: performance.now() * 1000,
  };
};
