// PocketBase's own rate-limit rules, read from its settings and made into rules of this kind. Never throws: what it
// does not understand it leaves out and names.
import { ACTIONS } from "./actions.ts";
import { ANY_REQUEST, type Audience, type Rule, readPathPattern } from "./rules.ts";

/** What was found in PocketBase's settings. */
export interface Imported {
  readonly rules: readonly Rule[];
  /** Labels that could not be taken over. */
  readonly skipped: readonly string[];
}

const GROUP = "pocketbase";
const RULES_MAX = 200;
const AUDIENCES: Readonly<Record<string, readonly Audience[]>> = {
  "": [],
  "@guest": ["guest"],
  "@auth": ["user"],
};

interface Row {
  readonly label: string;
  readonly audience: readonly Audience[];
  readonly unitsMax: number;
  readonly windowMs: number;
}

/**
 * Reads `rateLimits` of PocketBase's settings. The order of the rules is the order in which PocketBase looks: a
 * collection's action, the action anywhere, method and path, path; a whole path before one that ends in `/` and means
 * all below it. Of all that match the first one counts, by address.
 * @param settings - The answer to `GET /api/settings`, of any shape.
 */
export const importRules = (settings: unknown): Imported => {
  const limits = member(settings, "rateLimits");
  const listed = member(limits, "rules");
  if (member(limits, "enabled") !== true || !Array.isArray(listed)) return { rules: [], skipped: [] };
  const skipped: string[] = [];
  const ranked = listed.slice(0, RULES_MAX).flatMap((item: unknown, at) => {
    const row = readRow(item);
    const rule = row === undefined ? undefined : toRule(row, at);
    if (rule === undefined) skipped.push(String(member(item, "label")).slice(0, 64));
    return rule === undefined || row === undefined ? [] : [{ rule, rank: rankOf(row.label) }];
  });
  ranked.sort((a, b) => a.rank - b.rank);
  return { rules: ranked.map(({ rule }) => rule), skipped };
};

const readRow = (item: unknown): Row | undefined => {
  const [label, audience, duration, max] = ["label", "audience", "duration", "maxRequests"].map((name) =>
    member(item, name),
  );
  const known = AUDIENCES[typeof audience === "string" ? audience : ""];
  if (typeof label !== "string" || known === undefined) return undefined;
  if (!isPositive(duration) || !isPositive(max)) return undefined;
  return { label, audience: known, unitsMax: max, windowMs: duration * 1000 };
};

const isPositive = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= 1e9;

const toRule = (row: Row, at: number): Rule | undefined => {
  const scope = readLabel(row.label);
  return scope === undefined
    ? undefined
    : {
        ...ANY_REQUEST,
        name: `pocketbase-${at}`,
        ...scope,
        audience: row.audience,
        unitsMax: row.unitsMax,
        windowMs: row.windowMs,
        by: ["address"],
        cost: 1,
        group: GROUP,
      };
};

const LABEL_ACTION = /^([^\s/:]+):([A-Za-z0-9]+)$/;
const LABEL_PATH = /^(?:([A-Z]+) )?(\/\S*)$/;

const readLabel = (label: string): Partial<Rule> | undefined => {
  const [, collection, action] = LABEL_ACTION.exec(label) ?? [];
  if (collection !== undefined && action !== undefined) {
    if (!ACTIONS.includes(action)) return undefined;
    return { actions: [action], collections: collection === "*" ? [] : [collection.toLowerCase()] };
  }
  const [, method, place] = LABEL_PATH.exec(label) ?? [];
  // A star in a label is a star, not a pattern; no path has one.
  if (place === undefined || place.includes("*")) return undefined;
  const path = readPathPattern(place.endsWith("/") ? `${place}**` : place);
  return path === undefined ? undefined : { path, methods: method === undefined ? [] : [method] };
};

const rankOf = (label: string): number => {
  if (LABEL_ACTION.test(label)) return label.startsWith("*:") ? 1 : 0;
  const isPrefix = label.endsWith("/") ? 0.5 : 0;
  return (label.startsWith("/") ? 3 : 2) + isPrefix;
};

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
