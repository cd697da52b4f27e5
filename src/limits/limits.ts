// The limits as the stages and the admin API use them: who may go on, who must wait, who is shut out. Everything is in
// memory; refuses nothing itself.
import type { Deed } from "./actions.ts";
import type { Caller, Charge } from "./buckets.ts";
import { type Imported, importRules } from "./importedRules.ts";
import { Limiter, type Verdict } from "./limiter.ts";
import { Occupancy } from "./occupancy.ts";
import { type KnownCollection, type Plan, RuleSet } from "./ruleSet.ts";
import type { Audience, Rule } from "./rules.ts";

/** What may be changed while Hapta runs. */
export interface LimitsConfig {
  readonly isEnabled: boolean;
  /** Every rule is a shadow rule. */
  readonly isShadow: boolean;
  /** The default rule first. */
  readonly rules: readonly Rule[];
  /** PocketBase's own rules count too: the user has written none. */
  readonly importsRules: boolean;
  /** The message of every 429. */
  readonly message: string;
  readonly inFlightPerAddressMax: number;
  readonly inFlightPerUserMax: number;
  readonly streamsPerAddressMax: number;
  readonly streamsPerSessionMax: number;
}

export interface LimitsOptions {
  readonly config: LimitsConfig;
  /** Keys that are remembered at the same time. */
  readonly keysMax: number;
  readonly hashKey: readonly [number, number];
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly collectionOf: (segment: string) => KnownCollection | undefined;
}

/** One part of a batch. */
export interface Part {
  readonly deed: Deed;
  readonly weight: number;
}

/** A request as the limits see it. */
export interface Ask {
  readonly caller: Caller;
  readonly audience: Audience;
  readonly deed: Deed;
  readonly weight: number;
  /** Of a batch: what counts instead of its own weight. */
  readonly parts?: readonly Part[];
}

/** Names and values of `RateLimit-Policy` and `RateLimit`; undefined where nothing counts. */
export type LimitHeaders = readonly string[] | undefined;

/** What became of a request. Refused: `rule`, in `waitMs` it would be allowed. */
export type Decision =
  | { readonly ok: true; readonly headers: LimitHeaders }
  | { readonly ok: false; readonly headers: LimitHeaders; readonly rule: Rule; readonly waitMs: number };

/** How often each rule refused, or would have. */
export interface RuleCount {
  refused: number;
  shadowed: number;
}

const PASSED: Decision = { ok: true, headers: undefined };

export class Limits {
  readonly limiter: Limiter;
  /** Requests under way, by address and by user. */
  readonly inFlight = new Occupancy();
  /** Open streams by address. */
  readonly streams = new Occupancy();
  /** By rule name. */
  readonly counts = new Map<string, RuleCount>();
  readonly #options: LimitsOptions;
  #config: LimitsConfig;
  #imported: Imported = { rules: [], skipped: [] };
  #ruleSet: RuleSet;

  constructor(options: LimitsOptions) {
    this.#options = options;
    this.#config = options.config;
    this.limiter = new Limiter({
      keysMax: options.keysMax,
      hashKey: options.hashKey,
      nowMs: options.nowMs,
      onShadow: (rule) => {
        this.#countOf(rule).shadowed++;
      },
    });
    this.#ruleSet = this.#build();
  }

  get config(): LimitsConfig {
    return this.#config;
  }

  get isEnabled(): boolean {
    return this.#config.isEnabled;
  }

  /** The rules in force. */
  get rules(): readonly Rule[] {
    return this.#ruleSet.rules;
  }

  /** Takes new settings over; what callers have spent under rules of the same name stays spent. */
  reconfigure(config: LimitsConfig): void {
    this.#config = config;
    this.#ruleSet = this.#build();
  }

  /** Takes PocketBase's own rules over, where the user has written none. @returns what was found. */
  importRules(upstreamSettings: unknown): Imported {
    this.#imported = importRules(upstreamSettings);
    this.#ruleSet = this.#build();
    return this.#imported;
  }

  /** After PocketBase's collections changed. */
  forgetCollections(): void {
    this.#ruleSet.forget();
  }

  /** Decides and charges. */
  decide(ask: Ask): Decision {
    const plan = this.#ruleSet.plan(ask.deed, ask.audience);
    const isBatch = ask.parts !== undefined;
    const charges = isBatch ? this.#chargesOfBatch(plan, ask) : weigh(plan, ask.weight);
    if (charges.length === 0) return PASSED;
    const manner = { isAuth: plan.routeClass === "auth", isBatch };
    const verdict = this.limiter.decide(ask.caller, charges, manner);
    if (!verdict.ok) this.#countOf(verdict.rule).refused++;
    return toDecision(verdict, plan);
  }

  /**
   * Whether a request will be refused whatever else it holds: asked before a body is read. For users, whose names are
   * not known by then, only buckets of places are looked at; nothing is charged.
   */
  foresee({ caller, audience, deed }: Omit<Ask, "weight">): Decision {
    const plan = this.#ruleSet.plan(deed, audience);
    const certain = audience === "guest" ? plan.charges : plan.charges.filter(isByPlace);
    if (certain.length === 0) return PASSED;
    const verdict = this.limiter.peek(caller, certain);
    if (verdict.ok) return PASSED;
    this.#countOf(verdict.rule).refused++;
    return toDecision(verdict, plan);
  }

  /** Charges units that nobody could know in advance; never refuses. */
  chargeLater({ caller, audience, deed }: Ask, units: number): void {
    const plan = this.#ruleSet.plan(deed, audience);
    const charges = plan.charges.filter(({ rule }) => rule.rule.cost === "weight");
    this.limiter.chargeLater(
      caller,
      charges.map((charge) => ({ ...charge, units })),
    );
  }

  #build(): RuleSet {
    const { rules, importsRules, isShadow } = this.#config;
    const all = importsRules ? [...rules, ...this.#imported.rules] : rules;
    return new RuleSet({
      rules: isShadow ? all.map((rule) => ({ ...rule, isShadow: true })) : all,
      limiter: this.limiter,
      collectionOf: this.#options.collectionOf,
    });
  }

  #countOf({ name }: Rule): RuleCount {
    const found = this.counts.get(name) ?? { refused: 0, shadowed: 0 };
    this.counts.set(name, found);
    return found;
  }

  // Every part is asked for as if it came alone, and all of it at once.
  #chargesOfBatch(plan: Plan, { parts = [], audience }: Ask): Charge[] {
    const charges = weigh(plan, parts.length === 0 ? 1 : 0).filter(({ units }) => units > 0);
    const sums = new Map<Plan, { count: number; weight: number }>();
    for (const { deed, weight } of parts) {
      const of = this.#ruleSet.plan(deed, audience);
      const sum = sums.get(of) ?? { count: 0, weight: 0 };
      sum.count++;
      sum.weight += weight;
      sums.set(of, sum);
    }
    for (const [of, { count, weight }] of sums) {
      for (const charge of of.charges) {
        const { cost } = charge.rule.rule;
        charges.push({ ...charge, units: cost === "weight" ? weight : cost * count });
      }
    }
    return charges;
  }
}

const isByPlace = ({ rule }: Charge): boolean =>
  !rule.rule.by.some((dimension) => dimension === "user" || dimension === "session" || dimension === "app");

const weigh = ({ charges }: Plan, weight: number): readonly Charge[] =>
  charges.every(({ rule }) => (rule.rule.cost === "weight" ? weight : rule.rule.cost) === 1)
    ? charges
    : charges.map((charge) => {
        const { cost } = charge.rule.rule;
        return { ...charge, units: cost === "weight" ? weight : cost };
      });

const toDecision = (verdict: Verdict, { policies }: Plan): Decision => {
  if (!verdict.ok) {
    const state = `"${verdict.rule.name}";r=0;t=${Math.ceil(verdict.waitMs / 1000)}`;
    const headers = ["RateLimit-Policy", policies ?? "", "RateLimit", state];
    return { ok: false, headers, rule: verdict.rule, waitMs: verdict.waitMs };
  }
  const { rule, left, resetMs } = verdict;
  if (rule === undefined || policies === undefined) return PASSED;
  const state = `"${rule.name}";r=${left};t=${Math.ceil(resetMs / 1000)}`;
  return { ok: true, headers: ["RateLimit-Policy", policies, "RateLimit", state] };
};
