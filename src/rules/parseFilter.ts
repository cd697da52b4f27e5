// The one parser of PocketBase's filter language, for client filters and API rules. What names and functions mean
// is not its business: it takes any.

import type { Comparison, Expression, Junction, Operand, Operator } from "./expression.ts";
import { attempt, FilterError, type Parsed } from "./filterError.ts";
import { type GroupToken, Scanner, type Token } from "./scanner.ts";

/** Longest client filter in bytes; PocketBase refuses more. Rules have no such limit. */
export const FILTER_BYTES_MAX = 3_500;
/** Comparisons in one filter or rule; PocketBase refuses more. */
export const COMPARISONS_MAX = 200;
/** Parentheses within parentheses. A client filter of PocketBase's length cannot have more. */
const DEPTH_MAX = 1_750;

/**
 * Parses a client's `filter`, with PocketBase's limits for it.
 *
 * @param text - As decoded from the query; PocketBase takes an empty one for an absent one, so ask before.
 * @returns The expression, or where and why PocketBase refuses the text. Never throws; O(n).
 */
export const parseFilter = (text: string): Parsed<Expression> =>
  attempt(() => {
    if (bytesMin(text) > FILTER_BYTES_MAX)
      throw new FilterError(`A filter has at most ${FILTER_BYTES_MAX} bytes.`, 0);
    return new FilterParser(text).parse();
  });

/** Parses an API rule that is neither null nor empty. Like {@link parseFilter}, without its limit of length. */
export const parseRule = (text: string): Parsed<Expression> => attempt(() => new FilterParser(text).parse());

// Bytes that were no UTF-8 have become U+FFFD, one each at least, and PocketBase counts what was sent.
const bytesMin = (text: string): number => {
  let bytes = Buffer.byteLength(text);
  for (const unit of text) if (unit === "\ufffd") bytes -= 2;
  return bytes;
};

interface Item {
  readonly isOr: boolean;
  readonly expression: Expression;
}

type Step =
  | { readonly expects: "left" | "join" }
  | { readonly expects: "operator"; readonly left: Operand }
  | { readonly expects: "right"; readonly left: Operand; readonly operator: Operator };

class FilterParser {
  readonly #scanner: Scanner;
  readonly #length: number;
  #comparisons = 0;

  constructor(text: string) {
    this.#scanner = new Scanner(text);
    this.#length = text.length;
  }

  parse(): Expression {
    return this.#part(0, this.#length, 0);
  }

  /** What stands between two offsets: comparisons and groups, joined. */
  #part(start: number, end: number, depth: number): Expression {
    const items: Item[] = [];
    let step: Step = { expects: "left" };
    let isOr = false;
    this.#scanner.select(start, end);
    for (let token = this.#scanner.next(); token !== undefined; token = this.#scanner.next()) {
      if (token.kind === "group") {
        // PocketBase takes a group wherever it comes, as the next item, and forgets a comparison begun before it.
        items.push({ isOr, expression: this.#group(token, depth) });
        this.#scanner.select(token.end, end);
        step = { expects: "join" };
      } else if (step.expects === "join") {
        if (token.kind !== "join") throw new FilterError("Expected && or ||.", token.start);
        isOr = token.isOr;
        step = { expects: "left" };
      } else if (step.expects === "right") {
        items.push({ isOr, expression: this.#comparison(step.left, step.operator, toOperand(token)) });
        step = { expects: "join" };
      } else step = advance(step, token);
    }
    if (step.expects !== "join") throw new FilterError(INCOMPLETE[step.expects], end);
    return joined(items, start, end);
  }

  #group(token: GroupToken, depth: number): Expression {
    if (depth >= DEPTH_MAX) throw new FilterError("The parentheses nest too deep.", token.start, false);
    return this.#part(token.bodyStart, token.bodyEnd, depth + 1);
  }

  #comparison(left: Operand, operator: Operator, right: Operand): Comparison {
    this.#comparisons++;
    if (this.#comparisons > COMPARISONS_MAX)
      throw new FilterError(`There may be at most ${COMPARISONS_MAX} comparisons.`, left.start);
    return { kind: "comparison", left, operator, right, start: left.start, end: right.end };
  }
}

const INCOMPLETE = {
  left: "Expected a comparison.",
  operator: "Expected an operator.",
  right: "Expected something to compare with.",
} as const;

const advance = (step: Step, token: Exclude<Token, GroupToken>): Step => {
  if (step.expects !== "operator") return { expects: "operator", left: toOperand(token) };
  if (token.kind !== "operator") throw new FilterError("Expected an operator.", token.start);
  return { expects: "right", left: step.left, operator: token.operator };
};

const toOperand = (token: Exclude<Token, GroupToken>): Operand => {
  if (token.kind === "join" || token.kind === "operator")
    throw new FilterError("Expected a field, a text, a number or a function.", token.start);
  return token;
};

// As in SQL, && binds tighter than ||; the first item's join means nothing.
const joined = (items: readonly Item[], start: number, end: number): Expression => {
  const alternatives: Expression[][] = [];
  for (const { isOr, expression } of items) {
    const current = alternatives.at(-1);
    if (current === undefined || isOr) alternatives.push([expression]);
    else current.push(expression);
  }
  return junction(
    "or",
    alternatives.map((parts) => junction("and", parts)),
    { start, end },
  );
};

const junction = (
  kind: Junction["kind"],
  parts: readonly Expression[],
  within?: { readonly start: number; readonly end: number },
): Expression => {
  const [first, second] = [parts[0], parts.at(-1)];
  if (first === undefined || second === undefined)
    throw new FilterError("Expected a comparison.", within?.start ?? 0);
  if (parts.length === 1) return first;
  return { kind, parts, start: first.start, end: second.end };
};
