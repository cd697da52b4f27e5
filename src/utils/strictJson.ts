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
  | { readonly ok: true; readonly node: JsonNode }
  | { readonly ok: false; readonly reason: string };

export const JSON_LIMITS: JsonLimits = { depthMax: 64, membersMax: 10_000, valuesMax: 250_000 };

/**
 * Parses one JSON document (RFC 8259) from UTF-8 bytes.
 *
 * Refused, with a reason a developer can act on: invalid UTF-8, a byte-order mark, anything after the
 * first value, duplicate member names, lone surrogates, and documents over the limits. O(n).
 */
export const parseStrictJson = (bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): JsonResult => {
  const excess = excessIn(bytes, limits);
  if (excess !== undefined) return { ok: false, reason: excess };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { ok: false, reason: "The body is not valid UTF-8." };
  }
  try {
    JSON.parse(text);
  } catch {
    return { ok: false, reason: "The body is not valid JSON." };
  }
  const scanner = new Scanner(text, limits);
  try {
    return { ok: true, node: scanner.value(1) };
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

/** What a bracket adds to the depth, by its byte. */
const DEPTHS = new Int8Array(256);
for (const mark of "[{") DEPTHS[mark.charCodeAt(0)] = 1;
for (const mark of "]}") DEPTHS[mark.charCodeAt(0)] = -1;

/**
 * What is surely over a limit, told from the marks outside strings before anything is built: such a body costs no more
 * than its bytes up to that place.
 */
const excessIn = (bytes: Uint8Array, limits: JsonLimits): string | undefined => {
  let [depth, members, values] = [0, 0, 1];
  for (let at = 0; at < bytes.length; at++) {
    const mark = bytes[at] ?? 0;
    if (mark === 34) at = stringEnd(bytes, at);
    depth += DEPTHS[mark] ?? 0;
    if (mark === 44) values++;
    if (mark === 58) members++;
    if (depth > limits.depthMax) return tooDeep(limits.depthMax);
    if (values > limits.valuesMax) return tooManyValues(limits.valuesMax);
    if (members > limits.membersMax) return tooManyMembers(limits.membersMax);
  }
  return undefined;
};

/** Where the quote stands that ends the string begun at `start`; behind the last byte when none does. */
const stringEnd = (bytes: Uint8Array, start: number): number => {
  for (let end = bytes.indexOf(34, start + 1); end >= 0; end = bytes.indexOf(34, end + 1)) {
    let slashes = 0;
    while (bytes[end - 1 - slashes] === 92) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return bytes.length;
};

// Walks text that JSON.parse has already accepted, so syntax needs no second check here.
class Scanner {
  readonly #text: string;
  readonly #limits: JsonLimits;
  #at = 0;
  #values = 0;
  #members = 0;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
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
    this.#at = this.#closingQuote(start + 1) + 1;
    const node = new StringNode(this.#text.slice(start, this.#at));
    // Only an escape can stand for half a character: the bytes were UTF-8.
    if (/\\u[dD]/.test(node.text) && !node.string.isWellFormed())
      throw new LimitError("The body has a string with a lone surrogate.");
    return node;
  }

  #closingQuote(from: number): number {
    let quote = this.#text.indexOf('"', from);
    while (this.#isEscaped(quote)) quote = this.#text.indexOf('"', quote + 1);
    return quote;
  }

  #isEscaped(at: number): boolean {
    let slashes = 0;
    while (this.#text[at - 1 - slashes] === "\\") slashes++;
    return slashes % 2 === 1;
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
