// What a filter or rule reads besides the record itself. Says nothing about what that means for sharing answers.
import { comparisonsOf, type Expression, type FunctionCall, type Operand, operandsOf } from "./expression.ts";
import { FUNCTIONS, readsClock } from "./functions.ts";
import { splitModifier, toBackRelation, toName } from "./names.ts";

/** Names as written; sets are in order of first use. */
export interface Reads {
  /** Paths behind `@request.auth.`, modifiers included, such as `id` or `team.members.id`. */
  readonly auth: ReadonlySet<string>;
  /** Header names as rules spell them: lower case, `_` for every run of other characters. */
  readonly headers: ReadonlySet<string>;
  /** Names of query parameters. */
  readonly query: ReadonlySet<string>;
  /** Paths behind `@request.body.`, modifiers included. */
  readonly body: ReadonlySet<string>;
  /** Collections named by `@collection.`: a name in any case, or an id. */
  readonly collections: ReadonlySet<string>;
  /** Back relations anywhere in a path, such as `comments_via_author`. */
  readonly backRelations: ReadonlySet<string>;
  /** Paths from the record, modifiers included; more than one segment may lead to other collections. */
  readonly fields: ReadonlySet<string>;
  /** Macros, and the name of each function that reads the clock. */
  readonly clock: ReadonlySet<string>;
  readonly method: boolean;
  readonly context: boolean;
  /** Names and functions of which nothing is known. When there is one, anything may be read. */
  readonly unknown: ReadonlySet<string>;
}

/** Collects what any of the expressions reads. O(n). */
export const readsOf = (...expressions: readonly Expression[]): Reads => {
  const reads = createReads();
  for (const expression of expressions)
    for (const { left, right } of comparisonsOf(expression)) {
      addOperand(reads, left);
      addOperand(reads, right);
    }
  return reads;
};

/** As {@link readsOf}, for the keys of a sort. */
export const readsOfNames = (names: Iterable<string>): Reads => {
  const reads = createReads();
  for (const name of names) addName(reads, name);
  return reads;
};

type Growing = { -readonly [Key in keyof Reads]: Reads[Key] extends boolean ? boolean : Set<string> };

const createReads = (): Growing => ({
  auth: new Set(),
  headers: new Set(),
  query: new Set(),
  body: new Set(),
  collections: new Set(),
  backRelations: new Set(),
  fields: new Set(),
  clock: new Set(),
  method: false,
  context: false,
  unknown: new Set(),
});

const addOperand = (reads: Growing, operand: Operand): void => {
  for (const inner of operandsOf(operand)) {
    if (inner.kind === "identifier") addName(reads, inner.name);
    else if (inner.kind === "function") addCall(reads, inner);
  }
};

const addCall = (reads: Growing, call: FunctionCall): void => {
  if (!FUNCTIONS.has(call.name)) reads.unknown.add(call.name);
  else if (readsClock(call)) reads.clock.add(call.name);
};

const addName = (reads: Growing, text: string): void => {
  const name = toName(text);
  switch (name.kind) {
    case "macro":
      reads.clock.add(text);
      return;
    case "method":
    case "context":
      reads[name.kind] = true;
      return;
    case "unknown":
      reads.unknown.add(text);
      return;
    case "request":
      if (name.part === "auth" || name.part === "body") reads[name.part].add(name.path.join("."));
      else reads[name.part].add(memberOf(name.path));
      break;
    case "collection":
      reads.collections.add(name.collection);
      break;
    case "field":
    case "word":
      reads.fields.add(text);
  }
  for (const segment of name.path)
    if (toBackRelation(splitModifier(segment).name) !== undefined) reads.backRelations.add(segment);
};

// Values of headers and parameters are plain texts, so only the first segment names one.
const memberOf = ([first = "", ...rest]: readonly string[]): string =>
  rest.length === 0 ? splitModifier(first).name : first;
