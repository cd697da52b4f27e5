// What a rule comes to when only some of the values in it are known. Looks nothing up.
import type { Comparison, Expression, Operand } from "./expression.ts";

/**
 * A value: `empty` stands for null, "" and what is unset, as in PocketBase; a text that is undefined is something, but
 * nobody knows what.
 */
export type Known =
  | { readonly kind: "empty" }
  | { readonly kind: "value"; readonly text: string | undefined };

/** The value of a name; undefined when even that is not known. */
export type ValueOf = (name: string) => Known | undefined;

const EMPTY: Known = { kind: "empty" };

/** A text as it is compared. */
export const toKnown = (text: string): Known => (text === "" ? EMPTY : { kind: "value", text });

/** Whether an expression holds: true and false are certain, undefined is not. Total; O(n). */
export const verdictOf = (expression: Expression, lookUp: ValueOf): boolean | undefined => {
  if (expression.kind === "comparison") return compared(expression, lookUp);
  const verdicts = expression.parts.map((part) => verdictOf(part, lookUp));
  // One part settles it: false for `and`, true for `or`.
  const settling = expression.kind === "or";
  if (verdicts.includes(settling)) return settling;
  return verdicts.includes(undefined) ? undefined : !settling;
};

const compared = ({ left, right, operator }: Comparison, lookUp: ValueOf): boolean | undefined => {
  const isEquality = operator === "=" || operator === "?=";
  if (!isEquality && operator !== "!=" && operator !== "?!=") return undefined;
  const isSame = areSame(knownOf(left, lookUp), knownOf(right, lookUp));
  return isSame === undefined ? undefined : isSame === isEquality;
};

const knownOf = (operand: Operand, lookUp: ValueOf): Known | undefined => {
  if (operand.kind === "text") return toKnown(operand.value);
  if (operand.kind !== "identifier") return undefined;
  return operand.name === "null" ? EMPTY : lookUp(operand.name);
};

const areSame = (a: Known | undefined, b: Known | undefined): boolean | undefined => {
  if (a === undefined || b === undefined) return undefined;
  if (a.kind === "empty" || b.kind === "empty") return a.kind === b.kind;
  return a.text === undefined || b.text === undefined ? undefined : a.text === b.text;
};
