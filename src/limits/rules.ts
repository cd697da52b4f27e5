// Rules as values: which requests they mean and how they count. Matching only; the counting is the limiter's.
import { actionsOf, type Deed } from "./actions.ts";

/** What a bucket belongs to. A caller without a user, session or app is counted by address instead. */
export type Dimension = "address" | "user" | "session" | "app" | "class" | "collection" | "global";

/** Whom a rule is for. Superusers are only meant by rules that say so. */
export type Audience = "guest" | "user" | "superuser";

export interface Rule {
  /** Letters, digits, `-` and `_`; the name clients see in `RateLimit-Policy`. */
  readonly name: string;
  /** Upper case; empty = any. GET means HEAD too. */
  readonly methods: readonly string[];
  /** Tested against the canonical path in lower case. */
  readonly path: RegExp | undefined;
  /** Names or ids in lower case; empty = any path, of a collection or not. */
  readonly collections: readonly string[];
  /** {@link ACTIONS}; empty = any. */
  readonly actions: readonly string[];
  /** Empty = guests and users. */
  readonly audience: readonly Audience[];
  readonly unitsMax: number;
  readonly windowMs: number;
  readonly burst: number | undefined;
  /** Every combination of these has its own bucket. */
  readonly by: readonly Dimension[];
  /** Units a matching request costs; `weight` = what it weighs (costs.ts). */
  readonly cost: number | "weight";
  /** Decide and count, but refuse nothing. */
  readonly isShadow: boolean;
  /** Of the rules of one group only the first that matches counts. */
  readonly group: string | undefined;
}

/** The part of a rule that means any request of guests and users. */
export const ANY_REQUEST = {
  methods: [],
  path: undefined,
  collections: [],
  actions: [],
  audience: [],
  burst: undefined,
  isShadow: false,
  group: undefined,
} as const satisfies Partial<Rule>;

/** A deed with what is known of its collection: names and id in lower case. */
export interface MatchContext {
  readonly deed: Deed;
  readonly collection: readonly string[];
  readonly audience: Audience;
}

/** Whether a rule means a request. */
export const matches = (rule: Rule, { deed, collection, audience }: MatchContext): boolean => {
  const method = deed.method === "HEAD" ? "GET" : deed.method;
  if (rule.methods.length > 0 && !rule.methods.includes(method)) return false;
  if (rule.audience.length === 0 ? audience === "superuser" : !rule.audience.includes(audience)) return false;
  if (rule.collections.length > 0 && !collection.some((name) => rule.collections.includes(name)))
    return false;
  if (rule.actions.length > 0 && !actionsOf(deed).some((action) => rule.actions.includes(action)))
    return false;
  return rule.path === undefined || rule.path.test(deed.path.toLowerCase());
};

/** The rules that count for a request, in their order. */
export const selectRules = (rules: readonly Rule[], context: MatchContext): Rule[] => {
  const groups = new Set<string>();
  return rules.filter((rule) => {
    if (rule.group !== undefined && groups.has(rule.group)) return false;
    if (!matches(rule, context)) return false;
    if (rule.group !== undefined) groups.add(rule.group);
    return true;
  });
};

/** Most stars in a pattern, so that no path makes it slow. */
const STARS_MAX = 4;
const PATTERN = /^\/[\w\-./*%:@~!$&'()+,=]*$/;

/**
 * Reads a path pattern: `*` stands for anything within a segment, `**` for anything at all, a last `/**` for the path
 * before it and all below; the rest is literal, in any case. @returns undefined for a text that is no pattern.
 */
export const readPathPattern = (text: string): RegExp | undefined => {
  const stars = text.match(/\*+/g) ?? [];
  if (!PATTERN.test(text) || text.length > 256) return undefined;
  if (stars.length > STARS_MAX || stars.some((star) => star.length > 2)) return undefined;
  const isTree = text.endsWith("/**");
  const source = (isTree ? text.slice(0, -3) : text)
    .toLowerCase()
    .split(/(\*+)/)
    .map((part) => (part === "**" ? ".*" : part === "*" ? "[^/]*" : part.replace(/[.+()$]/g, "\\$&")))
    .join("");
  return new RegExp(`^${source}${isTree ? "(?:/.*)?" : ""}$`);
};
