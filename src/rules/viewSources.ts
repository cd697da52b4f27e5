// Which collections a view is made of, read from its SQL with more caution than understanding. Runs no SQL.
import type { Collection } from "../pocketbase/collection.ts";

/** Functions whose result depends on their arguments and rows alone. Others may read the clock, or anything. */
const PURE = new Set(
  (
    "abs avg cast ceil ceiling char coalesce concat concat_ws count cume_dist dense_rank exp first_value floor format " +
    "glob group_concat hex ifnull iif instr json json_array json_array_length json_each json_extract " +
    "json_group_array json_group_object json_object json_quote json_tree json_type json_valid lag last_value lead " +
    "length like ln log log10 log2 lower ltrim max min mod nth_value ntile nullif octet_length percent_rank pow power " +
    "printf quote rank replace round row_number rtrim sign sqrt string_agg substr substring sum total trim trunc " +
    "typeof unicode upper"
  ).split(" "),
);

/** Words that stand before a parenthesis without being a function. */
const KEYWORDS = new Set(
  "all and as between by case distinct else except exists filter from having in intersect is join limit not on or over partition select then union using values when where with".split(
    " ",
  ),
);

const WORDS = /\w+/g;
const CALLS = /(\w+)\s*\(/g;
/** Words with which SQLite names the clock, and tables that are no collections. */
const UNSAFE = /^(?:current_(?:date|time|timestamp)|now|sqlite_\w*|pragma_\w*|dbstat|_params|_migrations)$/;

/**
 * The collections whose records a view shows or counts, those of nested views included, itself left out. More than
 * it needs when a column or an alias is called like a collection, never fewer.
 *
 * @returns undefined when its SQL reads the clock, or something that is not known to be a collection's.
 */
export const viewSources = (
  view: Collection,
  find: (nameOrId: string) => Collection | undefined,
): ReadonlySet<Collection> | undefined => {
  const found = new Set<Collection>();
  const seen = new Set([view.id]);
  const pending = [view];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const named = collectionsIn(String(next.options["viewQuery"] ?? ""), find);
    if (named === undefined) return undefined;
    for (const one of named) {
      if (one.type !== "view") found.add(one);
      else if (!seen.has(one.id)) pending.push(one);
      seen.add(one.id);
    }
  }
  return found.size === 0 ? undefined : found;
};

const collectionsIn = (
  sql: string,
  find: (nameOrId: string) => Collection | undefined,
): readonly Collection[] | undefined => {
  for (const [, name = ""] of sql.matchAll(CALLS)) {
    const lower = name.toLowerCase();
    // A table's alias may stand before a list of columns too, but hardly ever does.
    if (!PURE.has(lower) && !KEYWORDS.has(lower)) return undefined;
  }
  const named: Collection[] = [];
  for (const [word] of sql.matchAll(WORDS)) {
    if (UNSAFE.test(word.toLowerCase())) return undefined;
    const collection = find(word);
    if (collection !== undefined) named.push(collection);
  }
  return named;
};
