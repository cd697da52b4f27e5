// Rules that follow from the record and the caller's own record alone: plain comparisons whose meaning is the same in
// SQLite and here. Everything else is PocketBase's to decide. Asks nobody.
import { type Collection, type CollectionField, isMultiple } from "../pocketbase/collection.ts";
import type { Comparison, Expression, Operand, Operator } from "./expression.ts";
import { parseRule } from "./parseFilter.ts";

/** A record as a superuser sees it. */
export type RecordValues = Readonly<Record<string, unknown>>;

/** Who asks: a record of the auth collection that a rule was compiled for; nobody is one for guests. */
export interface Caller {
  readonly id: string;
  /** Undefined when it is not known: then what a rule reads of it is not, either. */
  readonly record: RecordValues | undefined;
}

/** A rule for the callers of one auth collection, or for guests. */
export interface DecidableRule {
  /** It reads more of a caller than the id, such as a role. */
  readonly readsCaller: boolean;
  /** What it says hangs on the record; false when it says the same of all. */
  readonly readsRecord: boolean;
  /**
   * Whether it holds for a caller; undefined when that is PocketBase's to say after all. Cheap; total.
   * @param caller - Undefined for somebody whom it does not name: see {@link idsIn}.
   */
  holds(record: RecordValues, caller: Caller | undefined): boolean | undefined;
  /** The ids that it compares the caller's with: unless it reads more, all callers with other ids are equal to it. */
  idsIn(record: RecordValues): readonly string[];
}

/** No record has this id. */
const STRANGER_ID = "\0";

type Value = string | number | boolean;
/** Undefined: not what a field of this type should be. */
type Read = (record: RecordValues, caller: Caller | undefined) => Value | undefined;

interface Term {
  readonly type: "text" | "number" | "bool";
  readonly read: Read;
  /** `callerId` is who asks, `field` a field of the record or the caller's, `fixed` what the rule says itself. */
  readonly from: "callerId" | "field" | "fixed";
}

type Holds = DecidableRule["holds"];

const AUTH = "@request.auth.";
/** Their columns hold the very text that is shown; others are kept or compared in more than one form. */
const TEXT_TYPES: ReadonlySet<string> = new Set(["text", "select", "relation", "email", "url"]);
/** NUL, and what stands for bytes that are no text: who wrote that knows more than is shown. */
const ODD = /[\0\ufffd]/;
/** What PocketBase keeps of a caller beside its row, and compares as it would the same text in the rule. */
const KEPT_TEXTS: ReadonlySet<string> = new Set(["email"]);
/** Of a guest they are NULL, which is compared as the empty text. */
const WHO: ReadonlySet<string> = new Set(["id", "collectionId", "collectionName"]);
/** Read alike by Go, SQLite and JavaScript. */
const PLAIN_NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?$/;

/**
 * Compiles a rule; undefined when it is not decidable.
 *
 * @param rule - A list or view rule that is not null; an empty one holds for everybody.
 * @param base - Whose rule it is: no view. @param callers - The collection of those who ask, no superusers; undefined for
 * guests, who have an empty text wherever a record has its id.
 */
export const toDecidable = (
  rule: string,
  base: Collection,
  callers: Collection | undefined,
): DecidableRule | undefined => {
  if (rule === "") return { readsCaller: false, readsRecord: false, holds: () => true, idsIn: () => [] };
  const parsed = parseRule(rule);
  if (!parsed.ok) return undefined;
  const context: Context = { base, callers, named: [], readsCaller: false, readsRecord: false };
  const holds = compile(parsed.value, context);
  if (holds === undefined) return undefined;
  const idsIn = (record: RecordValues): string[] =>
    context.named.map((read) => read(record, undefined)).filter((id) => typeof id === "string");
  const { readsCaller, readsRecord } = context;
  return { readsCaller, readsRecord, holds, idsIn };
};

interface Context {
  readonly base: Collection;
  readonly callers: Collection | undefined;
  /** Grows: what the caller's id is compared with. */
  readonly named: Read[];
  /** Becomes true when a field of the caller's is met. */
  readsCaller: boolean;
  /** Becomes true when a field of the record's is met. */
  readsRecord: boolean;
}

const compile = (expression: Expression, context: Context): Holds | undefined => {
  if (expression.kind === "comparison") return compileComparison(expression, context);
  const parts: Holds[] = [];
  for (const part of expression.parts) {
    const compiled = compile(part, context);
    if (compiled === undefined) return undefined;
    parts.push(compiled);
  }
  // One part settles it: false for `and`, true for `or`.
  const settling = expression.kind === "or";
  return (record, caller) => {
    let verdict: boolean | undefined = !settling;
    for (const part of parts) {
      const one = part(record, caller);
      if (one === settling) return settling;
      if (one === undefined) verdict = undefined;
    }
    return verdict;
  };
};

const compileComparison = (comparison: Comparison, context: Context): Holds | undefined => {
  const left = toTerm(comparison.left, context);
  const right = toTerm(comparison.right, context);
  if (left === undefined || right === undefined || left.type !== right.type) return undefined;
  const compare = toCompare(comparison.operator, left.type);
  if (compare === undefined) return undefined;
  // Between two columns of numbers or bools SQLite may convert.
  if (left.type !== "text" && (left.from === "fixed") === (right.from === "fixed")) return undefined;
  if (left.from === "callerId") context.named.push(right.read);
  if (right.from === "callerId") context.named.push(left.read);
  return (record, caller) => {
    const one = left.read(record, caller);
    const other = right.read(record, caller);
    return one === undefined || other === undefined ? undefined : compare(one, other);
  };
};

// One value on either side: the operators with `?` mean the same.
const toCompare = (operator: Operator, type: Term["type"]): ((a: Value, b: Value) => boolean) | undefined => {
  const plain = operator.replace("?", "");
  if (plain === "=") return (a, b) => a === b;
  if (plain === "!=") return (a, b) => a !== b;
  // Texts are ordered by bytes there and by UTF-16 here.
  if (type !== "number") return undefined;
  return ORDERS[plain];
};

const ORDERS: Readonly<Record<string, (a: Value, b: Value) => boolean>> = {
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
};

const toTerm = (operand: Operand, context: Context): Term | undefined => {
  if (operand.kind === "text") return fixed("text", operand.value);
  if (operand.kind === "number")
    return PLAIN_NUMBER.test(operand.text) ? fixed("number", Number(operand.text)) : undefined;
  if (operand.kind !== "identifier") return undefined;
  const { name } = operand;
  if (name.startsWith(AUTH)) return callerTerm(name.slice(AUTH.length), context);
  const field = context.base.fieldByName.get(name);
  if (field !== undefined) {
    context.readsRecord = true;
    return fieldTerm(field, (record) => record);
  }
  // PocketBase takes null and the empty text for the same.
  if (name === "null") return fixed("text", "");
  return name === "true" || name === "false" ? fixed("bool", name === "true") : undefined;
};

const fixed = (type: Term["type"], value: Value): Term | undefined =>
  typeof value === "string" && ODD.test(value) ? undefined : { type, read: () => value, from: "fixed" };

const callerTerm = (part: string, context: Context): Term | undefined => {
  const { base, callers } = context;
  if (callers === undefined) return WHO.has(part) ? fixed("text", "") : undefined;
  if (part === "id")
    return { type: "text", read: (_, caller) => caller?.id ?? STRANGER_ID, from: "callerId" };
  if (part === "collectionId") return fixed("text", callers.id);
  if (part === "collectionName") return fixed("text", callers.name);
  const field = callers.fieldByName.get(part);
  // PocketBase takes such a text for a number where the record has a number of the same name.
  if (field === undefined || (KEPT_TEXTS.has(part) && base.fieldByName.get(part)?.type === "number"))
    return undefined;
  context.readsCaller = true;
  return fieldTerm(field, (_, caller) => caller?.record);
};

// A hidden field is not in what every PocketBase tells a superuser.
const fieldTerm = (
  field: CollectionField,
  of: (record: RecordValues, caller: Caller | undefined) => RecordValues | undefined,
): Term | undefined => {
  const { name, type, isHidden } = field;
  if (isHidden || isMultiple(field)) return undefined;
  const from = "field";
  if (TEXT_TYPES.has(type)) return { type: "text", read: (...asked) => textIn(of(...asked)?.[name]), from };
  if (type === "bool") return { type, read: (...asked) => boolIn(of(...asked)?.[name]), from };
  if (type !== "number") return undefined;
  return { type, read: (...asked) => numberIn(of(...asked)?.[name]), from };
};

const textIn = (value: unknown): string | undefined =>
  typeof value === "string" && !ODD.test(value) ? value : undefined;

const boolIn = (value: unknown): boolean | undefined => (typeof value === "boolean" ? value : undefined);

const numberIn = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
