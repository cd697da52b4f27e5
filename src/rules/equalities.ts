// What every record in an answer has in common: the parts of filters and rules that say `field = value` of the record
// itself. Only plain comparisons whose meaning is the same in SQLite and here count.
import { type Collection, type CollectionField, isMultiple } from "../pocketbase/collection.ts";
import type { Comparison, Expression, Operand } from "./expression.ts";

/** A value that a field must have: a JSON text, or the id of who asks. */
export interface Equality {
  readonly field: string;
  readonly value: { readonly kind: "json"; readonly text: string } | { readonly kind: "caller" };
}

const CALLER = "@request.auth.id";
/** Held as the very text that is compared, byte by byte. */
const TEXT_TYPES: ReadonlySet<string> = new Set(["text", "select", "relation"]);

/**
 * The equalities that each of the expressions demands of a record on its own. The empty text and null are none: to
 * PocketBase they are the same, and so are fields that were never set.
 */
export const equalitiesOf = (expressions: readonly Expression[], base: Collection): readonly Equality[] =>
  expressions.flatMap(conjunctsOf).flatMap((comparison) => equalityOf(comparison, base) ?? []);

const conjunctsOf = (expression: Expression): readonly Comparison[] => {
  if (expression.kind === "comparison") return [expression];
  return expression.kind === "and" ? expression.parts.flatMap(conjunctsOf) : [];
};

const equalityOf = ({ left, operator, right }: Comparison, base: Collection): Equality | undefined => {
  if (operator !== "=") return undefined;
  return ordered(left, right, base) ?? ordered(right, left, base);
};

const ordered = (name: Operand, value: Operand, base: Collection): Equality | undefined => {
  const field = name.kind === "identifier" ? base.fieldByName.get(name.name) : undefined;
  if (field === undefined) return undefined;
  if (field.type === "bool") return boolOf(field, value, base);
  if (!TEXT_TYPES.has(field.type) || isMultiple(field)) return undefined;
  if (value.kind === "identifier" && value.name === CALLER)
    return { field: field.name, value: { kind: "caller" } };
  // What is no whole text may be written in more than one way.
  if (value.kind !== "text" || value.value === "" || /[\0\ufffd]/.test(value.value)) return undefined;
  return { field: field.name, value: { kind: "json", text: JSON.stringify(value.value) } };
};

const boolOf = (field: CollectionField, value: Operand, base: Collection): Equality | undefined => {
  if (value.kind !== "identifier" || base.fieldByName.has(value.name)) return undefined;
  if (value.name !== "true" && value.name !== "false") return undefined;
  return { field: field.name, value: { kind: "json", text: value.name } };
};
