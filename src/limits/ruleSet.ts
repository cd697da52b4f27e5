// The rules in force, and which of them count for which request. Remembers that per route, because it is asked with
// every request.

import type { Route } from "../pocketbase/routes.ts";
import { classOf, type Deed, type RouteClass } from "./actions.ts";
import type { Charge, CompiledRule } from "./buckets.ts";
import type { Limiter } from "./limiter.ts";
import { type Audience, type Rule, selectRules } from "./rules.ts";

/** A collection as PocketBase knows it. */
export interface KnownCollection {
  readonly id: string;
  readonly name: string;
}

/** What counts for the requests of one route and audience. */
export interface Plan {
  /** One unit of every rule. */
  readonly charges: readonly Charge[];
  /** These are what a plain read costs: no rule asks more of it. */
  readonly areForReads: boolean;
  readonly routeClass: RouteClass;
  /** Value of `RateLimit-Policy`; undefined when nothing that refuses counts. */
  readonly policies: string | undefined;
}

export interface RuleSetOptions {
  readonly rules: readonly Rule[];
  readonly limiter: Limiter;
  /** Looks a path segment up; undefined for one that names no collection. */
  readonly collectionOf: (segment: string) => KnownCollection | undefined;
}

const PLANS_MAX = 4096;

/** The plans of one route, for requests of one method that are as deep. */
interface Found extends Partial<Record<Audience, Plan>> {
  readonly method: string;
  readonly isDeep: boolean;
}

export class RuleSet {
  readonly #options: RuleSetOptions;
  readonly #compiled: ReadonlyMap<Rule, CompiledRule>;
  readonly #hasPaths: boolean;
  #plans = new Map<string, Plan>();
  // Of each route the plans that were found last. A route is one object however often it is asked for.
  #found = new WeakMap<Route, Found>();

  constructor(options: RuleSetOptions) {
    this.#options = options;
    this.#compiled = new Map(options.rules.map((rule) => [rule, options.limiter.compile(rule)]));
    this.#hasPaths = options.rules.some(({ path }) => path !== undefined);
  }

  get rules(): readonly Rule[] {
    return this.#options.rules;
  }

  /** What counts for a request. */
  plan(deed: Deed, audience: Audience): Plan {
    if (this.#hasPaths) return this.#planOf(deed, audience);
    const { method, route } = deed;
    const isDeep = goesDeeper(deed.path);
    const found = this.#found.get(route);
    const isSame = found !== undefined && found.method === method && found.isDeep === isDeep;
    const known = isSame ? found[audience] : undefined;
    if (known !== undefined) return known;
    const plan = this.#planOf(deed, audience);
    this.#found.set(route, { ...(isSame ? found : { method, isDeep }), [audience]: plan });
    return plan;
  }

  #planOf(deed: Deed, audience: Audience): Plan {
    const key = `${deed.method} ${audience} ${this.#placeOf(deed)}`;
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const plan = this.#make(deed, audience);
    // Whoever asks for ever new paths only makes the others be worked out anew now and then.
    if (this.#plans.size >= PLANS_MAX) this.#plans.clear();
    this.#plans.set(key, plan);
    return plan;
  }

  /** After collections came, went or were renamed. */
  forget(): void {
    this.#plans.clear();
    this.#found = new WeakMap();
  }

  // What of a path the rules can tell apart; where none of them reads paths, a record's id is none of that.
  #placeOf({ path, route }: Deed): string {
    if (this.#hasPaths) return path;
    const { kind, collection = "", operation = "" } = route;
    return kind === "records"
      ? `${kind}/${collection}/${goesDeeper(path) ? 1 : 0}`
      : `${kind}/${collection}/${operation}`;
  }

  #make(deed: Deed, audience: Audience): Plan {
    const segment = deed.route.collection;
    const found = segment === undefined ? undefined : this.#options.collectionOf(segment);
    const names = found === undefined ? [segment ?? ""] : [found.id, found.name];
    const context = { deed, audience, collection: names.map((name) => name.toLowerCase()) };
    const selected = selectRules(this.#options.rules, context);
    const routeClass = classOf(deed);
    const charges = selected.flatMap((rule): Charge[] => {
      const compiled = this.#compiled.get(rule);
      return compiled === undefined
        ? []
        : [{ rule: compiled, units: 1, routeClass, collection: found?.id ?? "" }];
    });
    const policies = selected.filter(({ isShadow }) => !isShadow).map(policyOf);
    const areForReads = charges.every(({ rule: { rule } }) => rule.cost === "weight" || rule.cost === 1);
    return {
      charges,
      areForReads,
      routeClass,
      policies: policies.length === 0 ? undefined : policies.join(", "),
    };
  }
}

// `/api/collections/posts/records/id` names one record, with one segment less the list of them.
const goesDeeper = (path: string): boolean => {
  let at = 0;
  for (let segments = 1; segments < 5; segments++) {
    at = path.indexOf("/", at + 1);
    if (at < 0) return false;
  }
  return true;
};

// draft-ietf-httpapi-ratelimit-headers-10 section 3; names hold nothing that would need an escape.
const policyOf = ({ name, unitsMax, windowMs }: Rule): string =>
  `"${name}";q=${unitsMax};w=${Math.max(1, Math.ceil(windowMs / 1000))}`;
