// What the tests and benchmarks of limits share: a plain rule, and a limiter on a clock of the test's own.
import { type Caller, type Charge, type CompiledRule, guestAt } from "../../src/limits/buckets.ts";
import { Limiter } from "../../src/limits/limiter.ts";
import { ANY_REQUEST, type Rule } from "../../src/limits/rules.ts";
import { parseAddress } from "../../src/utils/address.ts";

/** Ten plain reads a minute and address, but for what is said. */
export const limitRule = (more: Partial<Rule> = {}): Rule => ({
  ...ANY_REQUEST,
  name: "r",
  unitsMax: 10,
  windowMs: 60_000,
  by: ["address"],
  cost: "weight",
  ...more,
});

/** What one request costs under one rule. */
export const chargeOf = (rule: CompiledRule, units = 1, collection = "c"): Charge => ({
  rule,
  units,
  routeClass: "read",
  collection,
});

/** A caller at an address of any spelling. */
export const callerAt = (address: string, more: Partial<Caller> = {}): Caller => ({
  ...guestAt(parseAddress(address) ?? ""),
  ...more,
});

/** A limiter, its clock, and the names of shadow rules that would have refused. */
export const createLimitKit = (keysMax = 100_000) => {
  const clock = { ms: 5_000 };
  const shadowed: string[] = [];
  const limiter = new Limiter({
    keysMax,
    hashKey: [7, 11],
    nowMs: () => clock.ms,
    onShadow: ({ name }) => shadowed.push(name),
  });
  /** How many of `count` single requests get through, all of one caller or each of its own. */
  const passed = (rule: CompiledRule, count: number, from: Caller | ((at: number) => Caller)): number =>
    Array.from({ length: count }, (_, at) => (typeof from === "function" ? from(at) : from)).filter(
      (caller) => limiter.decide(caller, [chargeOf(rule)]).ok,
    ).length;
  return { clock, limiter, shadowed, passed };
};
