// Cuts a filter into tokens exactly as PocketBase's own scanner does, oddities included. Checks no grammar.

import { type FunctionCall, OPERATORS, type Operand, type Operator } from "./expression.ts";
import { FilterError } from "./filterError.ts";

/** Joins two items. */
export interface JoinToken {
  readonly kind: "join";
  readonly isOr: boolean;
  readonly start: number;
  readonly end: number;
}

/** A comparison operator. */
export interface OperatorToken {
  readonly kind: "operator";
  readonly operator: Operator;
  readonly start: number;
  readonly end: number;
}

/** A part in parentheses; what is inside is still to be parsed, from `bodyStart` to `bodyEnd`. */
export interface GroupToken {
  readonly kind: "group";
  readonly start: number;
  readonly end: number;
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/** What {@link Scanner.next} gives; undefined at the end. */
export type Token = Operand | JoinToken | OperatorToken | GroupToken;

/** Calls within calls, the outermost included, that PocketBase's scanner takes. */
const CALLS_MAX = 3;
/** Steps spent on finding closing parentheses, per unit of text; only made-up texts come near. */
const STEPS_PER_UNIT = 16;

const NUL = 0;
const [TAB, NEWLINE, BLANK] = [9, 10, 32];
const [QUOTE, APOSTROPHE, OPEN, CLOSE, COMMA, MINUS, DOT, SLASH, COLON, BACKSLASH] = [
  34, 39, 40, 41, 44, 45, 46, 47, 58, 92,
];

const isBlank = (unit: number): boolean => unit === BLANK || unit === TAB || unit === NEWLINE;
const isDigit = (unit: number): boolean => unit >= 48 && unit <= 57;
const isLetter = (unit: number): boolean => (unit >= 97 && unit <= 122) || (unit >= 65 && unit <= 90);
const isQuote = (unit: number): boolean => unit === APOSTROPHE || unit === QUOTE;
/** `@`, `#` or `_`. */
const isSpecialStart = (unit: number): boolean => unit === 64 || unit === 35 || unit === 95;
const isIdentifierStart = (unit: number): boolean => isLetter(unit) || isSpecialStart(unit);
const isIdentifierPart = (unit: number): boolean =>
  isLetter(unit) || isDigit(unit) || unit === DOT || unit === COLON || unit === 95;
const isNumberStart = (unit: number): boolean => unit === MINUS || isDigit(unit);
/** `!`, `<`, `=`, `>`, `?` or `~`. */
const isOperatorUnit = (unit: number): boolean => unit === 33 || (unit >= 60 && unit <= 63) || unit === 126;
/** `&` or `|`. */
const isJoinUnit = (unit: number): boolean => unit === 38 || unit === 124;

const operators: ReadonlySet<string> = new Set(OPERATORS);
const isOperator = (text: string): text is Operator => operators.has(text);

/**
 * A scanner over one text, shared by all parts of it.
 *
 * PocketBase reads NUL as the end of its input: between tokens it ends the text, and behind a token that may
 * grow (a name, a number, blanks, a comment) it is swallowed. O(n) but for the bounded search for closing
 * parentheses. Throws FilterError.
 */
export class Scanner {
  readonly #text: string;
  #at = 0;
  #end: number;
  #stepsLeft: number;
  /** Closing parenthesis of each opening one that was seen outside of texts. */
  readonly #closings = new Map<number, number>();

  constructor(text: string) {
    this.#text = text;
    this.#end = text.length;
    this.#stepsLeft = text.length * STEPS_PER_UNIT;
  }

  /** Reads on from `start`, and no further than `end`. */
  select(start: number, end: number): void {
    this.#at = start;
    this.#end = end;
  }

  /** The next token, blanks and comments left out; undefined at the end. */
  next(): Token | undefined {
    for (;;) {
      const unit = this.#peek();
      if (unit === NUL) return undefined;
      if (isBlank(unit)) this.#skip(isBlank);
      else if (unit === SLASH) this.#skipComment();
      else return this.#token(unit);
    }
  }

  /** The unit ahead; NUL at the end. */
  #peek(): number {
    return this.#at < this.#end ? this.#text.charCodeAt(this.#at) : NUL;
  }

  #token(unit: number): Token {
    if (unit === OPEN) return this.#group();
    if (isIdentifierStart(unit)) return this.#identifier(CALLS_MAX);
    if (isNumberStart(unit)) return this.#number();
    if (isQuote(unit)) return this.#quoted();
    if (isOperatorUnit(unit)) return this.#operator();
    if (isJoinUnit(unit)) return this.#join();
    throw this.#unexpected();
  }

  #unexpected(): FilterError {
    const shown = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? NUL);
    return new FilterError(`Unexpected character ${JSON.stringify(shown)}.`, this.#at);
  }

  // Swallows one NUL behind the run.
  #skip(belongs: (unit: number) => boolean): void {
    while (this.#at < this.#end && belongs(this.#text.charCodeAt(this.#at))) this.#at++;
    this.#swallowNul();
  }

  #swallowNul(): void {
    if (this.#at < this.#end && this.#text.charCodeAt(this.#at) === NUL) this.#at++;
  }

  #skipComment(): void {
    const start = this.#at++;
    if (this.#peek() !== SLASH) throw new FilterError("A comment starts with two slashes.", start);
    this.#skip((unit) => unit !== NEWLINE && unit !== NUL);
  }

  #identifier(callsLeft: number): Operand {
    const start = this.#at++;
    while (this.#at < this.#end && isIdentifierPart(this.#text.charCodeAt(this.#at))) this.#at++;
    const end = this.#at;
    const name = this.#text.slice(start, end);
    const last = this.#text.charCodeAt(end - 1);
    if (last === DOT || last === COLON || (name.length === 1 && isSpecialStart(last)))
      throw new FilterError(`${JSON.stringify(name)} is not a valid name.`, start);
    if (this.#peek() === OPEN) return this.#call(name, start, callsLeft);
    this.#swallowNul();
    return { kind: "identifier", name, start, end };
  }

  #call(name: string, start: number, callsLeft: number): FunctionCall {
    if (callsLeft <= 0) throw new FilterError(`Functions nest at most ${CALLS_MAX} deep.`, start);
    this.#at++;
    const args: Operand[] = [];
    let isCommaDue = false;
    for (;;) {
      const unit = this.#peek();
      if (unit === NUL) throw new FilterError(`The call of ${name} is not closed.`, start);
      if (unit === CLOSE) break;
      if (isBlank(unit)) this.#skip(isBlank);
      else if (unit === SLASH) this.#skipComment();
      else if ((unit === COMMA) !== isCommaDue) throw this.#unexpected();
      else if (isCommaDue) {
        this.#at++;
        isCommaDue = false;
      } else {
        args.push(this.#argument(unit, callsLeft - 1));
        isCommaDue = true;
      }
    }
    this.#at++;
    return { kind: "function", name, args, start, end: this.#at };
  }

  #argument(unit: number, callsLeft: number): Operand {
    if (isIdentifierStart(unit)) return this.#identifier(callsLeft);
    if (isNumberStart(unit)) return this.#number();
    if (isQuote(unit)) return this.#quoted();
    throw this.#unexpected();
  }

  #number(): Operand {
    const start = this.#at++;
    let hasDot = false;
    for (let unit = this.#peek(); isDigit(unit) || (unit === DOT && !hasDot); unit = this.#peek()) {
      hasDot ||= unit === DOT;
      this.#at++;
    }
    const end = this.#at;
    const text = this.#text.slice(start, end);
    if (text === "-" || text.endsWith("."))
      throw new FilterError(`${JSON.stringify(text)} is not a number.`, start);
    this.#swallowNul();
    return { kind: "number", text, start, end };
  }

  #quoted(): Operand {
    const start = this.#at;
    const quote = this.#text.charCodeAt(start);
    const end = endOfQuoted(this.#text, start, this.#end);
    if (end === undefined) throw new FilterError("The quoted text is not closed.", start);
    this.#at = end;
    const sign = String.fromCharCode(quote);
    const value = this.#text.slice(start + 1, end - 1).replaceAll(`\\${sign}`, sign);
    return { kind: "text", value, start, end };
  }

  #operator(): OperatorToken {
    const start = this.#at;
    this.#skip(isOperatorUnit);
    const operator = this.#run(start);
    if (!isOperator(operator)) throw new FilterError(`${operator} is not an operator.`, start);
    return { kind: "operator", operator, start, end: start + operator.length };
  }

  #join(): JoinToken {
    const start = this.#at;
    this.#skip(isJoinUnit);
    const text = this.#run(start);
    if (text !== "&&" && text !== "||") throw new FilterError(`Expected && or ||, not ${text}.`, start);
    return { kind: "join", isOr: text === "||", start, end: start + 2 };
  }

  #run(start: number): string {
    const text = this.#text.slice(start, this.#at);
    return text.endsWith("\0") ? text.slice(0, -1) : text;
  }

  #group(): GroupToken {
    const start = this.#at;
    const bodyEnd = this.#closings.get(start) ?? this.#findClosing(start);
    this.#at = bodyEnd + 1;
    return { kind: "group", start, end: bodyEnd + 1, bodyStart: start + 1, bodyEnd };
  }

  // PocketBase looks for the closing parenthesis before it looks inside, and then knows texts but no comments.
  #findClosing(start: number): number {
    const open: number[] = [];
    for (let at = start; at < this.#end; at = this.#after(at)) {
      const unit = this.#text.charCodeAt(at);
      if (unit === NUL) break;
      if (unit === OPEN) open.push(at);
      if (unit !== CLOSE) continue;
      this.#closings.set(open.pop() ?? start, at);
      if (open.length === 0) return at;
    }
    throw new FilterError("The parenthesis is not closed.", open.at(-1) ?? start);
  }

  // Behind the unit or the quoted text at `at`, and the steps to get there are spent.
  #after(at: number): number {
    const isText = isQuote(this.#text.charCodeAt(at));
    const next = isText ? endOfQuoted(this.#text, at, this.#end) : at + 1;
    if (next === undefined) throw new FilterError("The quoted text is not closed.", at);
    this.#stepsLeft -= next - at;
    if (this.#stepsLeft < 0) throw new FilterError("The parentheses are too entangled.", at, false);
    return next;
  }
}

/** Behind the closing quote of the text at `start`; undefined when it is not closed before `limit` or a NUL. */
const endOfQuoted = (text: string, start: number, limit: number): number | undefined => {
  const quote = text.charCodeAt(start);
  let previous = NUL;
  for (let at = start + 1; at < limit; at++) {
    const unit = text.charCodeAt(at);
    if (unit === NUL) return undefined;
    if (unit === quote && previous !== BACKSLASH) return at + 1;
    previous = unit;
  }
  return undefined;
};
