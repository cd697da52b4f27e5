// A JSON reader for bodies whose meaning Hapta decides about: it knows duplicate members, depth and size
// before anything is trusted, and keeps where each value stood, so that a value can be passed on as the
// very text that was checked (numbers keep their digits).

export interface JsonLimits {
  readonly depthMax: number;
  /** Object members in the whole document. */
  readonly membersMax: number;
  /** Values of any kind in the whole document. */
  readonly valuesMax: number;
}

/** A parsed value with the text it came from. */
export interface JsonNode {
  readonly kind: "object" | "array" | "string" | "number" | "literal";
  /** Source text of the value, without surrounding blanks. */
  readonly text: string;
  /** Object members in order; names are decoded and unique. */
  readonly members?: ReadonlyMap<string, JsonNode>;
  readonly elements?: readonly JsonNode[];
  /** Decoded value of a string. */
  readonly string?: string;
}

export type JsonResult =
  /** `value` is what JSON.parse makes of the document. */
  | { readonly ok: true; readonly node: JsonNode; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

export const JSON_LIMITS: JsonLimits = { depthMax: 64, membersMax: 10_000, valuesMax: 250_000 };

/**
 * Parses one JSON document (RFC 8259) from UTF-8 bytes.
 *
 * Refused, with a reason a developer can act on: invalid UTF-8, a byte-order mark, anything after the
 * first value, duplicate member names, lone surrogates, and documents over the limits. O(n).
 */
export const parseStrictJson = (bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): JsonResult => {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { ok: false, reason: "The body is not valid UTF-8." };
  }
  const longStrings = new Map<number, number>();
  const excess = excessIn(text, limits, longStrings);
  if (excess !== undefined) return { ok: false, reason: excess };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: "The body is not valid JSON." };
  }
  const scanner = new Scanner(text, limits, longStrings);
  try {
    return { ok: true, node: scanner.value(1), value };
  } catch (error) {
    if (error instanceof LimitError) return { ok: false, reason: error.message };
    throw error;
  }
};

/**
 * Folds a member name as Go's JSON decoder does when it fills a struct: case-insensitive, with the two
 * non-ASCII letters (long s, Kelvin sign) that fold onto ASCII ones.
 */
export const foldMemberName = (name: string): string =>
  name.replaceAll("\u017f", "s").replaceAll("\u212a", "k").toLowerCase();

class LimitError extends Error {}

/** Most strings are passed on as they were written, so they are decoded when somebody asks. */
class StringNode implements JsonNode {
  readonly kind = "string";
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get string(): string {
    return this.text.includes("\\") ? (JSON.parse(this.text) as string) : this.text.slice(1, -1);
  }
}

const tooDeep = (most: number): string => `The body is nested deeper than ${most}.`;
const tooManyValues = (most: number): string => `The body has more than ${most} values.`;
const tooManyMembers = (most: number): string => `The body has more than ${most} members.`;

/** What a bracket adds to the depth, by its code. */
const DEPTHS = new Int8Array(128);
for (const mark of "[{") DEPTHS[mark.charCodeAt(0)] = 1;
for (const mark of "]}") DEPTHS[mark.charCodeAt(0)] = -1;

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;

/** Strings whose ends are remembered, so that they are looked for once. */
const LONG_CHARS = 1_024;

/**
 * What is surely over a limit, told from the marks outside strings before anything is built: such a body costs no more
 * than its characters up to that place.
 * @param longStrings - Is told where long strings begin and where the quotes stand that end them.
 */
const excessIn = (text: string, limits: JsonLimits, longStrings: Map<number, number>): string | undefined => {
  let [depth, members, values] = [0, 0, 1];
  for (let at = 0; at < text.length; at++) {
    const mark = text.charCodeAt(at);
    if (mark === QUOTE) at = endOfString(text, at, longStrings);
    depth += DEPTHS[mark] ?? 0;
    if (mark === COMMA) values++;
    if (mark === COLON) members++;
    if (depth > limits.depthMax) return tooDeep(limits.depthMax);
    if (values > limits.valuesMax) return tooManyValues(limits.valuesMax);
    if (members > limits.membersMax) return tooManyMembers(limits.membersMax);
  }
  return undefined;
};

const endOfString = (text: string, start: number, longStrings: Map<number, number>): number => {
  const end = closingQuote(text, start + 1);
  if (end - start > LONG_CHARS) longStrings.set(start, end);
  return end;
};

/** Where the quote stands that ends the string whose inside begins at `from`; the text's length when none does. */
const closingQuote = (text: string, from: number): number => {
  for (let at = from; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    if (!isEscaped(text, quote, at)) return quote;
    at = afterSteps(text, quote + 1);
    if (text.charCodeAt(at) === QUOTE) return at;
  }
};

const isEscaped = (text: string, quote: number, from: number): boolean => {
  let at = quote;
  while (at > from && text.charCodeAt(at - 1) === BACKSLASH) at--;
  return (quote - at) % 2 === 1;
};

/** Taken one by one behind an escaped quote: where one is there are often more, and each search for the next costs. */
const STEPS = 1_024;

/** Where the next quote that ends the string is, or some characters further on, never within an escape. */
const afterSteps = (text: string, from: number): number => {
  let at = from;
  for (const stop = from + STEPS; at < stop && text.charCodeAt(at) !== QUOTE; at++)
    if (text.charCodeAt(at) === BACKSLASH) at++;
  return at;
};

// Walks text that JSON.parse has already accepted, so syntax needs no second check here.
class Scanner {
  readonly #text: string;
  readonly #limits: JsonLimits;
  readonly #longStrings: ReadonlyMap<number, number>;
  #at = 0;
  #values = 0;
  #members = 0;

  constructor(text: string, limits: JsonLimits, longStrings: ReadonlyMap<number, number>) {
    this.#text = text;
    this.#limits = limits;
    this.#longStrings = longStrings;
  }

  value(depth: number): JsonNode {
    if (depth > this.#limits.depthMax) throw new LimitError(tooDeep(this.#limits.depthMax));
    if (++this.#values > this.#limits.valuesMax) throw new LimitError(tooManyValues(this.#limits.valuesMax));
    this.#blanks();
    const start = this.#at;
    const first = this.#text[start];
    if (first === "{") return this.#object(start, depth);
    if (first === "[") return this.#array(start, depth);
    if (first === '"') return this.#string(start);
    while (this.#at < this.#text.length && !",]} \t\n\r".includes(this.#text[this.#at] ?? "")) this.#at++;
    const kind = first === "t" || first === "f" || first === "n" ? "literal" : "number";
    return { kind, text: this.#text.slice(start, this.#at) };
  }

  #object(start: number, depth: number): JsonNode {
    const members = new Map<string, JsonNode>();
    this.#at++;
    this.#blanks();
    while (this.#text[this.#at] !== "}") {
      const name = this.#string(this.#at).string;
      if (++this.#members > this.#limits.membersMax)
        throw new LimitError(tooManyMembers(this.#limits.membersMax));
      if (members.has(name)) throw new LimitError(`The member ${JSON.stringify(name)} appears twice.`);
      this.#blanks();
      this.#at++; // the colon
      members.set(name, this.value(depth + 1));
      this.#separator();
    }
    this.#at++;
    return { kind: "object", text: this.#text.slice(start, this.#at), members };
  }

  #array(start: number, depth: number): JsonNode {
    const elements: JsonNode[] = [];
    this.#at++;
    this.#blanks();
    while (this.#text[this.#at] !== "]") {
      elements.push(this.value(depth + 1));
      this.#separator();
    }
    this.#at++;
    return { kind: "array", text: this.#text.slice(start, this.#at), elements };
  }

  #string(start: number): StringNode {
    this.#at = (this.#longStrings.get(start) ?? closingQuote(this.#text, start + 1)) + 1;
    const node = new StringNode(this.#text.slice(start, this.#at));
    // Only an escape can stand for half a character: the bytes were UTF-8.
    if (/\\u[dD]/.test(node.text) && !node.string.isWellFormed())
      throw new LimitError("The body has a string with a lone surrogate.");
    return node;
  }

  #separator(): void {
    this.#blanks();
    if (this.#text[this.#at] === ",") this.#at++;
    this.#blanks();
  }

  #blanks(): void {
    while (" \t\n\r".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }
}
