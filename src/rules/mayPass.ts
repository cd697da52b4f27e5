// Whether a kind of caller could satisfy an API rule at all, or surely does, whatever the records hold. Only ever says so
// when that is certain; says nothing about a particular record.
import type { Collection } from "../pocketbase/collection.ts";
import type { Comparison, Expression, Operand } from "./expression.ts";
import { parseRule } from "./parseFilter.ts";

/** A caller of whom only the kind is known: nobody, or some record of an auth collection (its id and name). */
export type CallerKind =
  | { readonly kind: "guest" }
  | { readonly kind: "record"; readonly collectionId: string; readonly collectionName: string };

/**
 * Whether the rule could hold for such a caller. A rule that cannot be parsed could.
 * @param rule - An API rule that is neither null nor empty.
 * @param collection - The collection the rule belongs to; its required fields are never empty.
 */
export const mayPass = (rule: string, caller: CallerKind, collection: Collection): boolean => {
  const parsed = parseRule(rule);
  return !parsed.ok || couldHold(parsed.value, caller, collection);
};

/**
 * Whether the rule surely holds for such a caller, whatever record or body it is asked about: `@request.auth.id != ""`
 * for somebody who is signed in. A rule that cannot be parsed might not.
 * @param rule - An API rule that is neither null nor empty.
 */
export const surelyPasses = (rule: string, caller: CallerKind): boolean => {
  const parsed = parseRule(rule);
  return parsed.ok && surelyHolds(parsed.value, caller);
};

const surelyHolds = (expression: Expression, caller: CallerKind): boolean => {
  switch (expression.kind) {
    case "and":
      return expression.parts.every((part) => surelyHolds(part, caller));
    case "or":
      return expression.parts.some((part) => surelyHolds(part, caller));
    case "comparison": {
      const [a, b] = [knownValue(expression.left, caller), knownValue(expression.right, caller)];
      if (a === undefined || b === undefined) return false;
      if (expression.operator === "=") return isSame(a, b);
      return expression.operator === "!=" && isDifferent(a, b);
    }
  }
};

const couldHold = (expression: Expression, caller: CallerKind, collection: Collection): boolean => {
  switch (expression.kind) {
    case "and":
      return expression.parts.every((part) => couldHold(part, caller, collection));
    case "or":
      return expression.parts.some((part) => couldHold(part, caller, collection));
    case "comparison":
      return !isImpossible(expression, caller, collection);
  }
};

/** A value that is known without looking at a record; `empty` stands for null, "" and what is unset. */
type Known = { readonly kind: "empty" } | { readonly kind: "value"; readonly text: string | undefined };

const EMPTY: Known = { kind: "empty" };
/** Something, but nobody knows what. */
const SOMETHING: Known = { kind: "value", text: undefined };

const isImpossible = (
  { left, right, operator }: Comparison,
  caller: CallerKind,
  collection: Collection,
): boolean => {
  const [a, b] = [knownValue(left, caller, collection), knownValue(right, caller, collection)];
  if (a === undefined || b === undefined) return false;
  if (operator === "=" || operator === "?=") return isDifferent(a, b);
  if (operator === "!=" || operator === "?!=") return isSame(a, b);
  return false;
};

const isSame = (a: Known, b: Known): boolean => {
  if (a.kind === "empty" || b.kind === "empty") return a.kind === b.kind;
  return a.text !== undefined && a.text === b.text;
};

const isDifferent = (a: Known, b: Known): boolean => {
  if (a.kind === "empty" || b.kind === "empty") return a.kind !== b.kind;
  return a.text !== undefined && b.text !== undefined && a.text !== b.text;
};

const AUTH = "@request.auth.";

// Without a collection only what is known of the caller counts.
const knownValue = (operand: Operand, caller: CallerKind, collection?: Collection): Known | undefined => {
  if (operand.kind === "text") return operand.value === "" ? EMPTY : { kind: "value", text: operand.value };
  if (operand.kind !== "identifier") return undefined;
  const { name } = operand;
  if (name === "null") return EMPTY;
  if (name.startsWith(AUTH)) return authValue(name.slice(AUTH.length), caller);
  // An id or a required relation of the record itself is never empty; any other type has other empty values.
  const field = collection?.fieldByName.get(name);
  const isFilled = field?.name === "id" || (field?.type === "relation" && field.isRequired);
  return isFilled ? SOMETHING : undefined;
};

const authValue = (path: string, caller: CallerKind): Known | undefined => {
  // A modifier or a path of relations compares something else.
  if (!/^\w+$/.test(path)) return undefined;
  if (caller.kind === "guest") return EMPTY;
  if (path === "id") return SOMETHING;
  if (path === "collectionId") return { kind: "value", text: caller.collectionId };
  if (path === "collectionName") return { kind: "value", text: caller.collectionName };
  return undefined;
};
