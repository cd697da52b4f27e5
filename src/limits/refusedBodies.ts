// Bodies that were read whole and then refused cost Hapta more than anybody: whoever sends them has a budget for that.
// Decides only; `admit` asks before it reads another one.
import { type Charge, type CompiledRule, guestAt } from "./buckets.ts";
import { uploadWeight } from "./costs.ts";
import type { Limiter, Verdict } from "./limiter.ts";
import { ANY_REQUEST, type Rule } from "./rules.ts";

const RULE: Rule = {
  ...ANY_REQUEST,
  name: "refused-bodies",
  unitsMax: 60,
  windowMs: 60_000,
  by: ["address"],
  cost: "weight",
};

/** A bound on refused bodies of one address: sixty at once, a megabyte counting as one, then one a second. */
export class RefusedBodies {
  readonly #limiter: Limiter;
  readonly #rule: CompiledRule;

  constructor(limiter: Limiter) {
    this.#limiter = limiter;
    this.#rule = limiter.compile(RULE);
  }

  /** Notes one. @param bytes - Read of it. */
  note(address: string, bytes: number): void {
    this.#limiter.chargeLater(guestAt(address), [this.chargeOf(1 + uploadWeight(bytes))]);
  }

  /** Whether another body of an address is read now. */
  judge(address: string): Verdict {
    return this.#limiter.peek(guestAt(address), [this.chargeOf(1)]);
  }

  /** What one of so many units costs. */
  chargeOf(units: number): Charge {
    return { rule: this.#rule, units, routeClass: "", collection: "" };
  }
}
