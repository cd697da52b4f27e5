// What it costs to tell every client what is left: making the two headers and their bytes, without HTTP around it.

import { toDecision } from "../../src/limits/decisions.ts";
import { limitRule } from "../../tests/support/limitKit.ts";

const ANSWERS = 500_000;
const RUNS = 7;

/** CPU time of one answer's headers in us, run by run, and their bytes. */
export interface HeaderRun {
  readonly us: readonly number[];
  readonly bytes: number;
}

/** Measures answers of which no two neighbours say the same. */
export const measureHeaders = (): HeaderRun => {
  const plan = {
    charges: [],
    areForReads: true,
    routeClass: "read",
    policies: '"default";q=1000;w=60',
  } as const;
  const rule = limitRule({ name: "default", unitsMax: 1000 });
  const wire = Buffer.alloc(256);
  let bytes = 0;
  const run = (): number => {
    const before = process.cpuUsage();
    for (let i = 0; i < ANSWERS; i++) {
      const decision = toDecision({ ok: true, rule, left: i % 1000, resetMs: i % 60_000 }, plan);
      bytes = wire.write(decision.ok ? (decision.lines ?? "") : "", 0, "latin1");
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / ANSWERS;
  };
  run();
  return { us: Array.from({ length: RUNS }, run), bytes };
};
