// Whether somebody whom a rule once let see a change of a record may still be told of it. Evaluates no rule and asks
// nobody.
import { parseRule } from "./parseFilter.ts";
import { readsOf } from "./reads.ts";

/**
 * On what the verdict of a rule hangs, while the rule stands and for one and the same caller:
 * - `caller`: on nothing else, so it never changes.
 * - `record`: on the record as it was at the change; a later change may have hidden it.
 * - `others`: on further records, or on the time.
 * - `unknown`: on things that nobody can ask about again.
 */
export type Lasting = "caller" | "record" | "others" | "unknown";

/** What never changes about a caller. */
const FIXED = new Set(["id", "collectionId", "collectionName"]);

/** @param rule - A list or view rule; null is for superusers only. O(length). */
export const lastingOf = (rule: string | null): Lasting => {
  if (rule === "") return "caller";
  const parsed = rule === null ? undefined : parseRule(rule);
  if (parsed?.ok !== true) return "unknown";
  const reads = readsOf(parsed.value);
  const { auth, headers, query, body, collections, backRelations, fields, clock, unknown } = reads;
  if (reads.context || reads.method) return "unknown";
  if (headers.size + query.size + body.size + unknown.size > 0) return "unknown";
  const isOwn = (name: string): boolean => /^\w+$/.test(name);
  if (collections.size + backRelations.size + clock.size > 0) return "others";
  if ([...auth].some((name) => !FIXED.has(name)) || ![...fields].every(isOwn)) return "others";
  return fields.size > 0 ? "record" : "caller";
};
