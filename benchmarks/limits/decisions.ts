// What one decision costs, alone in a loop: CPU time, without HTTP around it.
import { type Charge, keepCaller } from "../../src/limits/buckets.ts";
import { Limiter } from "../../src/limits/limiter.ts";
import type { Dimension, Rule } from "../../src/limits/rules.ts";
import { limitRule } from "../../tests/support/limitKit.ts";

const DECISIONS = 500_000;
const CALLERS = 4096;

const RUNS = 7;

/** One way of counting, with the CPU time of a decision in us, run by run. */
export interface DecisionRun {
  readonly what: string;
  readonly us: readonly number[];
}

/** A rule that counts by these dimensions. */
export const ruleOf = (name: string, by: readonly Dimension[], unitsMax: number): Rule =>
  limitRule({ name, by, unitsMax });

const WAYS: readonly (readonly [string, readonly Dimension[]])[] = [
  ["1 dimension: user", ["user"]],
  ["4 dimensions: address (IPv4), user, collection, global", ["address", "user", "collection", "global"]],
  ["4 dimensions: address (IPv4), user, session, class", ["address", "user", "session", "class"]],
];

/** Measures every way, IPv4 first, then four dimensions with IPv6 (six buckets). */
export const measureDecisions = (): DecisionRun[] => {
  const runs = WAYS.map(([what, by]) => ({ what, us: measure(by, ipv4) }));
  const [what, by] = [
    "4 dimensions: address (IPv6: 3 blocks), user, collection, global",
    WAYS[1]?.[1] ?? [],
  ] as const;
  return [...runs, { what, us: measure(by, ipv6) }];
};

const ipv4 = (at: number): string => `10.${at >> 8}.${at & 255}.1`;
const ipv6 = (at: number): string => `2001:db8:${at.toString(16)}:1::1`;

const measure = (dimensions: readonly Dimension[], addressOf: (at: number) => string): number[] => {
  const limiter = new Limiter({ keysMax: 1_000_000, hashKey: [1, 2], nowMs: () => performance.now() });
  const charges = dimensions.map(
    (by): Charge => ({
      rule: limiter.compile(ruleOf(by, [by], 1e9)),
      units: 1,
      routeClass: "read",
      collection: "pbc_1",
    }),
  );
  const callers = Array.from({ length: CALLERS }, (_, at) => {
    const suffix = String(at).padStart(9, "0");
    const user = `pbc_2862495610/member${suffix}`;
    // As those of sessions in use are, they are kept: hashed once.
    return keepCaller({ address: addressOf(at), user, session: `1mJvKcN0q1wVb${suffix}`, app: undefined });
  });
  const run = (): number => {
    const before = process.cpuUsage();
    let allowed = 0;
    for (let i = 0; i < DECISIONS; i++) {
      const caller = callers[i % CALLERS];
      if (caller !== undefined && limiter.decide(caller, charges).ok) allowed++;
    }
    const { user, system } = process.cpuUsage(before);
    if (allowed !== DECISIONS) throw new Error("a decision went wrong");
    return (user + system) / DECISIONS;
  };
  run();
  return Array.from({ length: RUNS }, run);
};
