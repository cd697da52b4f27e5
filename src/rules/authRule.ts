// Whether an auth collection's auth rule can be answered from the record that logs in alone. Knows no record; what it does
// not understand, it takes for a rule that looks elsewhere.
import type { Collection } from "../pocketbase/collection.ts";
import { scopeOf } from "./scope.ts";

/**
 * Whether nothing but a change of a record or of the schema can change what the collection's auth rule says about that
 * record: the rule is empty, or reads the record's own fields, its own `@request.auth` fields and constants. False for
 * null (nobody may), clocks, headers, queries, bodies, other records, and what is not understood.
 *
 * @param find - The collection with this exact id, or this name whatever its case.
 */
export const authRuleIsOwn = (
  collection: Collection,
  find: (nameOrId: string) => Collection | undefined,
): boolean => {
  const { id, rules } = collection;
  if (rules.auth === null || rules.auth === "") return rules.auth === "";
  // Judged as if it were the rule by which a record reads itself.
  const judged = { ...collection, rules: { ...rules, view: rules.auth, manage: null } };
  const none = { filter: undefined, sort: undefined, expand: undefined, fields: undefined };
  const scope = scopeOf({ find, collection: judged, operation: "view", ...none, caller: judged });
  const own = scope.needs.get(id);
  return scope.sharing !== "nobody" && !scope.readsQuery && scope.needs.size === 1 && own?.reach === "read";
};
