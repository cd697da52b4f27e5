// Runs patterns that are written for Go's RE2 where JavaScript surely means the same and surely stays quick.
// Everything else it leaves to PocketBase.

/** Whether a text matches; undefined when that is PocketBase's to say. */
export type PatternTest = (text: string) => boolean | undefined;

const ATOM =
  /^(?:\\[dws]|\\[\^$.*+?()[\]{}|/\\-]|\[\^?(?:\\[dw]|\\[\^$.*+?()[\]{}|/\\-]|[^\\[\]&~^])+\]|[^\\^$.*+?()[\]{}|])/u;
const QUANTIFIER = /^(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})\??/;
/** Longest text for patterns that may look at every character twice. */
const SQUARED_CHARS_MAX = 256;

/**
 * Reads a pattern: characters, classes, `.`, `\d`, `\w` and `\s` with quantifiers, anchored or not, without groups,
 * alternatives or flags. Never throws; tests are O(n), or O(n²) for short texts.
 */
export const toPatternTest = (pattern: string): PatternTest => {
  const read = readPattern(pattern);
  if (read === undefined) return () => undefined;
  const { regExp, loops } = read;
  return (text) => (loops > 1 && text.length > SQUARED_CHARS_MAX ? undefined : regExp.test(text));
};

interface ReadPattern {
  readonly regExp: RegExp;
  /** Quantifiers that may try again, and one for each place to start from. */
  readonly loops: number;
}

const readPattern = (pattern: string): ReadPattern | undefined => {
  const isAnchored = pattern.startsWith("^");
  let [rest, source, loops] = isAnchored ? [pattern.slice(1), "^", 0] : [pattern, "", 1];
  while (rest !== "" && rest !== "$") {
    const atom = rest.startsWith(".") ? "." : (ATOM.exec(rest)?.[0] ?? "");
    const quantifier = QUANTIFIER.exec(rest.slice(atom.length))?.[0] ?? "";
    if (atom === "") return undefined;
    if (/[*+?]|,\}|,\d/.test(quantifier)) loops++;
    source += (TRANSLATED[atom] ?? atom) + quantifier;
    rest = rest.slice(atom.length + quantifier.length);
  }
  const regExp = loops > 2 ? undefined : compiled(source + rest);
  return regExp === undefined ? undefined : { regExp, loops };
};

const compiled = (source: string): RegExp | undefined => {
  try {
    return new RegExp(source, "u");
  } catch {
    return undefined; // valid in Go only
  }
};

// Where the two languages differ: what ends a line, what is blank, and what may be escaped.
const TRANSLATED: Readonly<Record<string, string>> = {
  ".": "[^\\n]",
  "\\s": "[\\t\\n\\f\\r ]",
  "\\-": "-",
};
