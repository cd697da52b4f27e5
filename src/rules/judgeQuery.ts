// Judges the query of a list request before PocketBase has to: its numbers, its filter, its sort. What a rule would say
// to the caller is not asked here, and nothing is refused that PocketBase might accept.
import type { FilterProblem } from "./filterError.ts";
import { parseFilter } from "./parseFilter.ts";
import { parseSort } from "./parseSort.ts";
import { checkFilter, checkSort, type PathContext } from "./paths.ts";

/** Which parameter PocketBase refuses; filters and sorts also have a sentence with the place. */
export interface QueryFault {
  readonly parameter: "page" | "perPage" | "skipTotal" | "filter" | "sort";
  /** Safe to show to the caller: who is not privileged can't tell a hidden field from a missing one. */
  readonly message?: string;
}

/** Go's Atoi. */
const WHOLE = /^[+-]?[0-9]+$/;
/** Beyond Go's int. */
const DIGITS_MAX = 18;
/** Go's ParseBool. */
const BOOLEAN = /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;
/** PocketBase looks for these anywhere in the text, and answers 403, before it reads a filter or sort. */
const PRIVILEGED = /@(?:request|collection)\./i;

/**
 * What PocketBase 0.36 to 0.40 surely answers 400 to; undefined when there is nothing, or when another answer comes
 * first. O(n).
 *
 * @param values - As `readGoQuery` gives them: a parameter whose value is undefined is not judged.
 */
export const judgeQuery = (
  values: ReadonlyMap<string, string | undefined>,
  context: PathContext,
): QueryFault | undefined => {
  const [filter, sort] = [values.get("filter") ?? "", values.get("sort") ?? ""];
  if (!context.isPrivileged && (isUnread(values) || PRIVILEGED.test(`${filter}\n${sort}`))) return undefined;
  for (const parameter of ["page", "perPage"] as const)
    if (isNoNumber(values.get(parameter) ?? "")) return { parameter };
  const skipTotal = values.get("skipTotal") ?? "";
  if (skipTotal !== "" && !BOOLEAN.test(skipTotal)) return { parameter: "skipTotal" };
  return judgeFilter(filter, context) ?? judgeSort(sort, context);
};

// What can't be read here may hold the words that PocketBase looks for.
const isUnread = (values: ReadonlyMap<string, string | undefined>): boolean =>
  ["filter", "sort"].some((name) => values.has(name) && values.get(name) === undefined);

const isNoNumber = (text: string): boolean => text !== "" && text.length <= DIGITS_MAX && !WHOLE.test(text);

const judgeFilter = (text: string, context: PathContext): QueryFault | undefined => {
  if (text === "") return undefined;
  const parsed = parseFilter(text);
  if (!parsed.ok) return toFault("filter", parsed.problem, true);
  return toFault("filter", checkFilter(parsed.value, context), context.isPrivileged);
};

const judgeSort = (text: string, context: PathContext): QueryFault | undefined => {
  if (text === "") return undefined;
  const parsed = parseSort(text);
  if (!parsed.ok) return toFault("sort", parsed.problem, true);
  return toFault("sort", checkSort(parsed.value, context), context.isPrivileged);
};

const toFault = (
  parameter: "filter" | "sort",
  problem: FilterProblem | undefined,
  saysWhy: boolean,
): QueryFault | undefined => {
  if (problem?.isCertain !== true) return undefined;
  const reason = saysWhy ? problem.message : "What stands here is unknown, or you can't use it.";
  return { parameter, message: `${reason} (At character ${problem.position + 1}.)` };
};
