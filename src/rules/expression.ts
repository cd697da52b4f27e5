// The shape of a parsed filter or API rule. Knows no collections and evaluates nothing.

/** The comparison operators of PocketBase's filter language; with `?` at least one of several values must match. */
export const OPERATORS = [
  "=",
  "!=",
  ">",
  ">=",
  "<",
  "<=",
  "~",
  "!~",
  "?=",
  "?!=",
  "?>",
  "?>=",
  "?<",
  "?<=",
  "?~",
  "?!~",
] as const;

/** One of {@link OPERATORS}. */
export type Operator = (typeof OPERATORS)[number];

/** Where something stands in the text: UTF-16 offsets, `end` behind the last unit. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A name: a field path, `@request.…`, `@collection.…`, a macro such as `@now`, or `true`, `false`, `null`. */
export interface Identifier extends Span {
  readonly kind: "identifier";
  readonly name: string;
}

/** A quoted text; `value` is without its quotes and their escapes. */
export interface TextLiteral extends Span {
  readonly kind: "text";
  readonly value: string;
}

/** A number; `text` keeps its digits as written. */
export interface NumberLiteral extends Span {
  readonly kind: "number";
  readonly text: string;
}

/** A call such as `geoDistance(lon, lat, 4, 5)`. */
export interface FunctionCall extends Span {
  readonly kind: "function";
  readonly name: string;
  readonly args: readonly Operand[];
}

/** What may stand on either side of a comparison. */
export type Operand = Identifier | TextLiteral | NumberLiteral | FunctionCall;

/** `left operator right`. */
export interface Comparison extends Span {
  readonly kind: "comparison";
  readonly left: Operand;
  readonly operator: Operator;
  readonly right: Operand;
}

/** At least two parts, all of which (`and`) or one of which (`or`) must hold. */
export interface Junction extends Span {
  readonly kind: "and" | "or";
  readonly parts: readonly Expression[];
}

/** A whole filter or rule, or a part of one; `&&` binds tighter than `||`. */
export type Expression = Comparison | Junction;

/** Every comparison of an expression, from left to right. */
export function* comparisonsOf(expression: Expression): Generator<Comparison> {
  if (expression.kind === "comparison") yield expression;
  else for (const part of expression.parts) yield* comparisonsOf(part);
}

/** An operand and, for calls, the operands within it, from the outside in. */
export function* operandsOf(operand: Operand): Generator<Operand> {
  yield operand;
  if (operand.kind === "function") for (const arg of operand.args) yield* operandsOf(arg);
}
