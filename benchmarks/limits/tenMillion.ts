// Ten million distinct keys, all of them limiting at the same time: memory, and whether anybody was forgotten. Run as a
// process of its own, so that its memory is that of the table and nothing else.
import { guestAt } from "../../src/limits/buckets.ts";
import { Limiter } from "../../src/limits/limiter.ts";
import { ruleOf } from "./decisions.ts";

const KEYS = 10_000_000;
const EARLY = 1_000;

/** What came out. */
export interface TenMillionRun {
  readonly keys: number;
  /** Growth of the resident size from before the table was made. */
  readonly bytes: number;
  /** Keys that found their bucket full and share a slot. */
  readonly shared: number;
  /** Of the first callers, all over their limit: how many were let in again after everybody else came. */
  readonly forgotten: number;
  readonly perSecond: number;
}

/** Runs it in a process of its own. */
export const measureTenMillion = async (): Promise<TenMillionRun> => {
  const child = Bun.spawn([process.execPath, "run", import.meta.path], { stdout: "pipe", stderr: "inherit" });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the run with ten million keys failed");
  return JSON.parse(output) as TenMillionRun;
};

const run = (): TenMillionRun => {
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  const limiter = new Limiter({ keysMax: KEYS, hashKey: [3, 4], nowMs: () => 1_000 });
  const charges = [
    { rule: limiter.compile(ruleOf("r", ["address"], 1)), units: 1, routeClass: "", collection: "" },
  ];
  const decide = (at: number): boolean => {
    const address = `${1 + (at >>> 24)}.${(at >>> 16) & 255}.${(at >>> 8) & 255}.${at & 255}`;
    return limiter.decide(guestAt(address), charges).ok;
  };
  const startedMs = performance.now();
  for (let at = 0; at < KEYS; at++) decide(at);
  const perSecond = KEYS / ((performance.now() - startedMs) / 1000);
  const { shared } = limiter.table;
  let forgotten = 0;
  for (let at = 0; at < EARLY; at++) if (decide(at)) forgotten++;
  Bun.gc(true);
  const bytes = process.memoryUsage.rss() - before;
  return { keys: KEYS, bytes, shared, forgotten, perSecond };
};

if (import.meta.main) process.stdout.write(JSON.stringify(run()));
