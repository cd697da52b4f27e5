// The limits as the stages and the admin API use them: who may go on, who must wait, who is shut out. Everything is in
// memory; refuses nothing itself.
import { createHash } from "node:crypto";
import type { Deed } from "./actions.ts";
import type { Bans } from "./bans.ts";
import type { Caller, Charge } from "./buckets.ts";
import { type Decision, isByPlace, nameOf, PASSED, toDecision, weigh } from "./decisions.ts";
import { type Imported, importRules } from "./importedRules.ts";
import { type Left, Limiter } from "./limiter.ts";
import { Occupancy } from "./occupancy.ts";
import { RefusedBodies } from "./refusedBodies.ts";
import { type KnownCollection, type Plan, RuleSet } from "./ruleSet.ts";
import type { Audience, Rule } from "./rules.ts";
import { Shield } from "./shield.ts";
import type { LimitsState } from "./stateFile.ts";
import { TopTalkers } from "./topTalkers.ts";

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
  readonly connectionsPerAddressMax: number;
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
  /** Unix milliseconds. */
  readonly wallMs: () => number;
  readonly bans: Bans;
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

/** How often each rule refused, or would have. */
export interface RuleCount {
  refused: number;
  shadowed: number;
}

/** Of so many requests one is noted for the list of those who ask the most. */
const SAMPLE_EVERY = 8;

export class Limits {
  readonly limiter: Limiter;
  /** Requests under way, by address and by user. */
  readonly inFlight = new Occupancy();
  /** Open streams by address. */
  readonly streams = new Occupancy();
  readonly talkers: TopTalkers;
  readonly bans: Bans;
  /** By rule name. */
  readonly counts = new Map<string, RuleCount>();
  readonly shield: Shield;
  readonly refusedBodies: RefusedBodies;
  readonly #options: LimitsOptions;
  #config: LimitsConfig;
  #imported: Imported = { rules: [], skipped: [] };
  #ruleSet: RuleSet;
  #asked = 0;

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
    this.talkers = new TopTalkers(options.nowMs);
    this.bans = options.bans;
    this.shield = new Shield({
      limiter: this.limiter,
      nowMs: options.nowMs,
      wallMs: options.wallMs,
      isShadow: () => this.#config.isShadow,
    });
    this.refusedBodies = new RefusedBodies(this.limiter);
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

  /** What a caller has left: under the rules that count him and nothing else. */
  inspect(caller: Caller): Left[] {
    return this.limiter.inspect(caller, this.#chargesOf(caller));
  }

  /** Gives a caller's budgets back, under the same rules. */
  reset(caller: Caller): void {
    this.limiter.reset(caller, this.#chargesOf(caller));
  }

  /** What is to be kept over a restart. @param isFinal - At the end; else only what lasts for days. */
  state(isFinal: boolean): LimitsState {
    const { hashKey, wallMs } = this.#options;
    const devices = this.shield.devices.entries();
    const entries = isFinal ? this.limiter.save() : [];
    return { isFinal, savedMs: wallMs(), hashKey, size: this.limiter.table.size, devices, entries };
  }

  /** Takes a state back. After a crash nobody knows what was spent: the auth class starts with half. */
  restore(state: LimitsState): void {
    this.shield.devices.restore(state.devices);
    const passedMs = Math.max(0, this.#options.wallMs() - state.savedMs);
    if (state.size === this.limiter.table.size) this.limiter.restore(state.entries, passedMs);
    if (!state.isFinal) this.limiter.startAtHalf();
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
    this.#sample(ask.caller);
    const manner = { isAuth: plan.routeClass === "auth", isBatch };
    const verdict = this.limiter.decide(ask.caller, charges, manner);
    if (!verdict.ok) this.#refused(verdict.rule, ask.caller);
    return toDecision(verdict, plan);
  }

  /**
   * Whether a request will be refused whatever else it holds: asked before a body is read. For users, whose names are
   * not known by then, only buckets of places are looked at; nothing is charged.
   */
  foresee({ caller, audience, deed }: Omit<Ask, "weight">): Decision {
    const spoilt = this.refusedBodies.judge(caller.address);
    if (!spoilt.ok && !this.#config.isShadow) {
      this.#refused(spoilt.rule, caller);
      return { ok: false, headers: undefined, policy: spoilt.rule.name, waitMs: spoilt.waitMs };
    }
    const plan = this.#ruleSet.plan(deed, audience);
    const certain = audience === "guest" ? plan.charges : plan.charges.filter(isByPlace);
    if (certain.length === 0) return PASSED;
    const verdict = this.limiter.peek(caller, certain);
    if (verdict.ok) return PASSED;
    this.#refused(verdict.rule, caller);
    return toDecision(verdict, plan);
  }

  /** The name under which an identity is counted: one for all its spellings, and useless to whoever reads it. */
  identityOf(collectionId: string, identity: string): string {
    const text = identity.normalize("NFKC").toLowerCase().trim();
    const [lo, hi] = this.#options.hashKey;
    return createHash("sha256")
      .update(`${lo}.${hi}\n${collectionId}\n${text}`)
      .digest("base64url")
      .slice(0, 22);
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

  #chargesOf({ user }: Caller): Charge[] {
    const asked: readonly string[] = user === undefined ? ["address", "user", "session", "app"] : ["user"];
    const own = this.rules
      .filter(({ by }) => by.every((dimension) => asked.includes(dimension)))
      .map((rule) => ({ rule: this.limiter.compile(rule), units: 1, routeClass: "", collection: "" }));
    return user === undefined
      ? [...own, ...this.shield.chargesOfAddress, this.refusedBodies.chargeOf(1)]
      : own;
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

  // One in so many stands for all: the list is about those who ask a lot.
  #sample(caller: Caller): void {
    if (this.#asked++ % SAMPLE_EVERY === 0) this.talkers.note(nameOf(caller), SAMPLE_EVERY, 0);
  }

  #refused(rule: Rule, caller: Caller): void {
    this.#countOf(rule).refused++;
    this.talkers.note(nameOf(caller), 0, 1);
  }

  #countOf({ name }: Rule): RuleCount {
    const found = this.counts.get(name) ?? { refused: 0, shadowed: 0 };
    this.counts.set(name, found);
    return found;
  }

  // Every part is asked for as if it came alone, and all of it at once.
  #chargesOfBatch(plan: Plan, { parts = [], audience }: Ask): Charge[] {
    const sums = new Map<Plan, { count: number; weight: number }>();
    let total = parts.length === 0 ? 1 : 0;
    for (const { deed, weight } of parts) {
      total += weight;
      const of = this.#ruleSet.plan(deed, audience);
      const sum = sums.get(of) ?? { count: 0, weight: 0 };
      sum.count++;
      sum.weight += weight;
      sums.set(of, sum);
    }
    const ofParts = [...sums].flatMap(([{ charges }, { count, weight }]) =>
      charges.map((charge) => {
        const { cost } = charge.rule.rule;
        return { ...charge, units: cost === "weight" ? weight : cost * count };
      }),
    );
    const weighed = new Set(ofParts.map(({ rule }) => rule));
    // What weighs the parts has weighed the whole.
    const ofWhole = weigh(plan, total).filter(
      ({ rule }) => rule.rule.cost !== "weight" || !weighed.has(rule),
    );
    return [...ofWhole, ...ofParts];
  }
}
