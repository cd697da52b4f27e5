// What a query may cost, where the operator sets bounds: judged by its shape alone, before anybody runs it. PocketBase's
// own limits are elsewhere.
import type { Collection } from "../pocketbase/collection.ts";
import { indexesOf } from "../pocketbase/indexes.ts";
import { comparisonsOf, type Expression, operandsOf } from "./expression.ts";
import { splitModifier, toName } from "./names.ts";
import { parseExpand } from "./parseExpand.ts";
import { parseFilter } from "./parseFilter.ts";
import { parseSort, type SortKey } from "./parseSort.ts";
import { type PathContext, walkPath } from "./paths.ts";

/** The bounds; 0 and an empty list are none. */
export interface QueryLimits {
  readonly filterBytesMax: number;
  /** Comparisons. */
  readonly filterTermsMax: number;
  /** Relations that filter and sort follow together; the same one counts once. */
  readonly joinsMax: number;
  /** Relations with several records on one path. */
  readonly nestedManyMax: number;
  readonly perPageMax: number;
  readonly expandDepthMax: number;
  /** Collections, by name or id or `*`, whose sorts need an index. */
  readonly indexedSorts: readonly string[];
}

/** Which bound a query is over. */
export interface OverLimit {
  readonly parameter: "filter" | "sort" | "perPage" | "expand";
  readonly code: string;
  readonly message: string;
}

/** What a query says: as `readGoQuery` gives it. */
export type QueryValues = ReadonlyMap<string, string | undefined>;

/** Whether any bound is set. */
export const hasLimits = (limits: QueryLimits): boolean =>
  limits.indexedSorts.length > 0 ||
  Object.values(limits).some((limit) => typeof limit === "number" && limit > 0);

const isOver = (value: number, limit: number): boolean => limit > 0 && value > limit;

/** PocketBase's own: more is cut down to it. */
const PER_PAGE_MAX = 1_000;

/** The bound that a list is over; undefined when there is none. O(n). */
export const listOverLimit = (
  values: QueryValues,
  context: PathContext,
  limits: QueryLimits,
): OverLimit | undefined => {
  const filter = values.get("filter") ?? "";
  if (isOver(Buffer.byteLength(filter), limits.filterBytesMax))
    return over("filter", "length", `A filter may have at most ${limits.filterBytesMax} bytes`);
  const asked = Math.min(Number(values.get("perPage") ?? "") || 0, PER_PAGE_MAX);
  if (isOver(asked, limits.perPageMax))
    return over("perPage", "per_page", `At most ${limits.perPageMax} records may be asked for at once`);
  const parsed = filter === "" ? undefined : parseFilter(filter);
  const expression = parsed?.ok === true ? parsed.value : undefined;
  const sort = parseSort(values.get("sort") ?? "");
  const keys = sort.ok ? sort.value : [];
  return (
    filterOverLimit(expression, limits) ??
    pathsOverLimit({ filter: namesIn(expression), sort: keys.map(({ name }) => name) }, context, limits) ??
    sortOverLimit(keys, context.base, limits) ??
    expandOverLimit(values, limits)
  );
};

const over = (parameter: OverLimit["parameter"], name: string, sentence: string): OverLimit => ({
  parameter,
  code: `query_${name}_limit`,
  message: `${sentence}.`,
});

/** The bound that `expand` is over, of any request that answers with records. O(n). */
export const expandOverLimit = (
  values: QueryValues,
  { expandDepthMax }: QueryLimits,
): OverLimit | undefined => {
  const text = values.get("expand") ?? "";
  if (text === "" || expandDepthMax === 0) return undefined;
  const isDeep = parseExpand(text)?.some((path) => path.length > expandDepthMax) ?? true;
  if (!isDeep) return undefined;
  return over("expand", "expand_depth", `Relations may be expanded ${expandDepthMax} deep at most`);
};

const filterOverLimit = (
  expression: Expression | undefined,
  { filterTermsMax }: QueryLimits,
): OverLimit | undefined => {
  if (expression === undefined || filterTermsMax === 0) return undefined;
  const count = [...comparisonsOf(expression)].length;
  if (!isOver(count, filterTermsMax)) return undefined;
  return over("filter", "terms", `A filter may have at most ${filterTermsMax} comparisons`);
};

const namesIn = (expression: Expression | undefined): string[] => {
  if (expression === undefined) return [];
  const operands = [...comparisonsOf(expression)].flatMap(({ left, right }) => [left, right]);
  return operands
    .flatMap((operand) => [...operandsOf(operand)])
    .flatMap((operand) => (operand.kind === "identifier" ? [operand.name] : []));
};

const pathsOverLimit = (
  names: Readonly<Record<"filter" | "sort", readonly string[]>>,
  context: PathContext,
  { joinsMax, nestedManyMax }: QueryLimits,
): OverLimit | undefined => {
  if (joinsMax === 0 && nestedManyMax === 0) return undefined;
  const joins = new Set<string>();
  for (const parameter of ["filter", "sort"] as const)
    for (const text of names[parameter]) {
      const { path, joined, manyCount } = walked(text, context);
      for (let at = 1; at <= joined; at++) joins.add(path.slice(0, at).join("."));
      if (isOver(manyCount, nestedManyMax))
        return over(parameter, "nested_many", `A path may have at most ${nestedManyMax} relations to many`);
      if (isOver(joins.size, joinsMax))
        return over(parameter, "joins", `A query may follow at most ${joinsMax} relations`);
    }
  return undefined;
};

const walked = (text: string, context: PathContext) => {
  const name = toName(text);
  if (name.kind !== "field") return { path: [], joined: 0, manyCount: 0 };
  const walk = walkPath(name.path, context);
  return walk.ok
    ? { path: name.path, joined: walk.joined.length, manyCount: walk.manyCount }
    : { path: name.path, joined: 0, manyCount: 0 };
};

// What comes first is what has to be in order; the rest sorts what is equal.
const sortOverLimit = (
  keys: readonly SortKey[],
  base: Collection,
  { indexedSorts }: QueryLimits,
): OverLimit | undefined => {
  const name = keys[0]?.name ?? "";
  const isLimited = indexedSorts.some(
    (one) => one === "*" || one === base.id || one.toLowerCase() === base.name.toLowerCase(),
  );
  if (!isLimited || name === "" || isIndexed(name, base)) return undefined;
  return over("sort", "unindexed_sort", "These records may be sorted by what has an index only");
};

const isIndexed = (name: string, base: Collection): boolean => {
  if (base.type === "view") return false;
  if (name === "@rowid" || name === "id") return true;
  if (splitModifier(name).modifier !== undefined) return false;
  return indexesOf(base).some(
    ({ isPartial, columns: [first] }) => !isPartial && first?.isPlain === true && first.name === name,
  );
};
