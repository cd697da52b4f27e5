// Reads patterns in the syntax of Go's regexp (RE2), as far as their meaning is certain. Matches nothing.

/** Whether a character, as a code point, belongs to a set. */
export type CharSet = (code: number) => boolean;

/** A pattern, taken apart. `most` is Infinity for repetitions without end. */
export type Pattern =
  | { readonly kind: "set"; readonly has: CharSet }
  | { readonly kind: "start" | "end" | "boundary" | "inside" }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly Pattern[] }
  | { readonly kind: "repeat"; readonly part: Pattern; readonly least: number; readonly most: number };

/** A pattern that was read. */
export interface ReadPattern {
  readonly pattern: Pattern;
  /** Some of it ignores case: not certain of texts with letters that only in part are others' other case. */
  readonly foldsCase: boolean;
}

/**
 * Reads a pattern: characters, classes, groups, alternatives, repetitions, anchors, `\b` and the flags `i` and `s`.
 * @returns undefined for everything else, patterns that are none among it. Never throws; O(n).
 */
export const readGoPattern = (text: string): ReadPattern | undefined => {
  const reader = new Reader(text);
  try {
    const pattern = reader.read();
    // Which letters beyond ASCII belong together is a matter of Unicode's version.
    if (reader.foldsCase && /[^ -~]|\\x/.test(text)) return undefined;
    return { pattern, foldsCase: reader.foldsCase };
  } catch (error) {
    if (error instanceof Unread) return undefined;
    throw error;
  }
};

/** Inside this file: the pattern is one that is left alone. */
class Unread extends Error {}

const isDigit: CharSet = (code) => code >= 48 && code <= 57;
const isLower: CharSet = (code) => code >= 97 && code <= 122;
const isUpper: CharSet = (code) => code >= 65 && code <= 90;
/** What `\w` means to Go. */
export const isWord: CharSet = (code) => isDigit(code) || isLower(code) || isUpper(code) || code === 95;
const isBlank: CharSet = (code) => code === 32 || code === 9 || code === 10 || code === 12 || code === 13;

const CLASSES: Readonly<Record<string, CharSet>> = { d: isDigit, w: isWord, s: isBlank };
const NAMED: Readonly<Record<string, CharSet>> = {
  alpha: (code) => isLower(code) || isUpper(code),
  digit: isDigit,
  alnum: (code) => isDigit(code) || isLower(code) || isUpper(code),
  lower: isLower,
  upper: isUpper,
  word: isWord,
  space: (code) => isBlank(code) || code === 11,
};
const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

const PLACES: Readonly<Record<string, "start" | "end" | "boundary" | "inside">> = {
  A: "start",
  z: "end",
  b: "boundary",
  B: "inside",
};

const REPEAT = /^(?:[*+?]|\{(\d{1,4})(,?)(\d{0,4})\})/;
const GROUP = /^\((?:\?(?:P?<\w+>|([is]*)(?:-([is]*))?([:)])))?/;
/** Groups within groups. */
const DEPTH_MAX = 32;
/** Go takes no more repetitions. */
const REPEAT_MAX = 1_000;

const not =
  (has: CharSet): CharSet =>
  (code) =>
    !has(code);

// The other case of an ASCII letter.
const swapped = (code: number): number => (isLower(code) ? code - 32 : isUpper(code) ? code + 32 : code);

interface Flags {
  readonly i: boolean;
  readonly s: boolean;
}

class Reader {
  #rest: string;
  #flags: Flags = { i: false, s: false };
  /** Some part ignores case. */
  foldsCase = false;

  constructor(text: string) {
    this.#rest = text;
  }

  read(): Pattern {
    const pattern = this.#choice(0);
    if (this.#rest !== "") throw new Unread();
    return pattern;
  }

  #take(length: number): string {
    const taken = this.#rest.slice(0, length);
    this.#rest = this.#rest.slice(length);
    return taken;
  }

  #choice(depth: number): Pattern {
    if (depth > DEPTH_MAX) throw new Unread();
    const flags = this.#flags;
    const parts = [this.#sequence(depth)];
    while (this.#rest.startsWith("|")) {
      this.#take(1);
      parts.push(this.#sequence(depth));
    }
    this.#flags = flags;
    return { kind: "choice", parts };
  }

  #sequence(depth: number): Pattern {
    const parts: Pattern[] = [];
    while (this.#rest !== "" && !/^[|)]/.test(this.#rest)) {
      const part = this.#atom(depth);
      if (part !== undefined) parts.push(this.#repeated(part));
    }
    return { kind: "sequence", parts };
  }

  #repeated(part: Pattern): Pattern {
    const [all, least, comma, most] = REPEAT.exec(this.#rest) ?? [];
    if (all === undefined) return part;
    this.#take(all.length);
    if (this.#rest.startsWith("?")) this.#take(1);
    // Go refuses a repetition of a repetition.
    if (REPEAT.test(this.#rest)) throw new Unread();
    if (least === undefined) {
      const [from, to] = [all === "+" ? 1 : 0, all === "?" ? 1 : Number.POSITIVE_INFINITY];
      return { kind: "repeat", part, least: from, most: to };
    }
    const last = comma === "" ? Number(least) : most === "" ? Number.POSITIVE_INFINITY : Number(most);
    if (Number(least) > REPEAT_MAX || (last !== Number.POSITIVE_INFINITY && last > REPEAT_MAX))
      throw new Unread();
    return { kind: "repeat", part, least: Number(least), most: last };
  }

  /** Undefined for flags, which match nothing of themselves. */
  #atom(depth: number): Pattern | undefined {
    if (this.#rest.startsWith("(")) return this.#group(depth);
    if (this.#rest.startsWith("[")) return this.#set(this.#class());
    if (this.#rest.startsWith("\\")) return this.#escaped();
    const code = this.#character();
    if (code === 94) return { kind: "start" };
    if (code === 36) return { kind: "end" };
    if (code === 46) return { kind: "set", has: this.#flags.s ? () => true : (one) => one !== 10 };
    // A repetition of nothing, or a brace that is no repetition.
    if (code === 42 || code === 43 || code === 63 || code === 123) throw new Unread();
    return this.#set((one) => one === code);
  }

  #character(): number {
    const code = this.#rest.codePointAt(0);
    if (code === undefined) throw new Unread();
    this.#take(code > 0xffff ? 2 : 1);
    return code;
  }

  #group(depth: number): Pattern | undefined {
    const [all, on, off, end] = GROUP.exec(this.#rest) ?? [];
    if (all === undefined || (all === "(" && this.#rest.startsWith("(?"))) throw new Unread();
    this.#take(all.length);
    const before = this.#flags;
    const flags = this.#changed(on ?? "", off ?? "");
    this.#flags = flags;
    if (end === ")") return undefined;
    const part = this.#choice(depth + 1);
    if (this.#take(1) !== ")") throw new Unread();
    this.#flags = before;
    return part;
  }

  #changed(on: string, off: string): Flags {
    const of = (flag: "i" | "s"): boolean => !off.includes(flag) && (on.includes(flag) || this.#flags[flag]);
    return { i: of("i"), s: of("s") };
  }

  #escaped(): Pattern {
    const place = PLACES[this.#rest.charAt(1)];
    if (place === undefined) return this.#set(this.#escape());
    this.#take(2);
    return { kind: place };
  }

  /** What stands behind a backslash, in a class or out of it. */
  #escape(): CharSet {
    const name = this.#rest.charAt(1);
    const named = CLASSES[name.toLowerCase()];
    if (named === undefined) {
      const code = this.#escapedCharacter();
      return (one) => one === code;
    }
    this.#take(2);
    return name === name.toLowerCase() ? named : not(named);
  }

  #escapedCharacter(): number {
    const [hex, two, more] = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(this.#rest) ?? [];
    if (hex !== undefined) {
      this.#take(hex.length);
      return Number.parseInt(two ?? more ?? "", 16);
    }
    const name = this.#take(2).charAt(1);
    const control = CONTROLS[name];
    if (control !== undefined) return control;
    if (!/[!-/:-@[-`{-~]/.test(name)) throw new Unread();
    return name.charCodeAt(0);
  }

  #class(): CharSet {
    const [opening = ""] = /^\[\^?/.exec(this.#rest) ?? [];
    this.#take(opening.length);
    const sets: CharSet[] = [];
    while (!this.#rest.startsWith("]") || sets.length === 0) sets.push(this.#member());
    this.#take(1);
    const folds = this.#flags.i;
    const has: CharSet = (code) => sets.some((set) => set(code) || (folds && set(swapped(code))));
    return opening === "[^" ? not(has) : has;
  }

  #member(): CharSet {
    const [all, name = ""] = /^\[:(\w+):\]/.exec(this.#rest) ?? [];
    if (all !== undefined) {
      this.#take(all.length);
      const named = NAMED[name];
      if (named === undefined) throw new Unread();
      return named;
    }
    if (/^\\[dwsDWS]/.test(this.#rest)) return this.#escape();
    const from = this.#bound();
    if (!/^-[^\]]/.test(this.#rest)) return (code) => code === from;
    this.#take(1);
    const to = this.#bound();
    if (to < from) throw new Unread();
    return (code) => code >= from && code <= to;
  }

  /** One character of a class, as it is or escaped. */
  #bound(): number {
    return this.#rest.startsWith("\\") ? this.#escapedCharacter() : this.#character();
  }

  #set(has: CharSet): Pattern {
    if (!this.#flags.i) return { kind: "set", has };
    this.foldsCase = true;
    return { kind: "set", has: (code) => has(code) || has(swapped(code)) };
  }
}
