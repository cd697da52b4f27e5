// Reads a .env file. Does not touch process.env and expands no variables inside values.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The variables of a .env file; `problems` has a sentence for each line that could not be read. */
export type DotEnv = { readonly values: ReadonlyMap<string, string>; readonly problems: readonly string[] };

const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/;
const IN_DOUBLE_QUOTES = /^"((?:\\.|[^"\\])*)"\s*(?:#.*)?$/;
const IN_SINGLE_QUOTES = /^'([^']*)'\s*(?:#.*)?$/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** The value right of the equals sign; undefined when a quote is not closed or something follows it. */
function readValue(text: string): string | undefined {
  if (text.startsWith('"')) {
    return IN_DOUBLE_QUOTES.exec(text)?.[1]?.replace(
      /\\(.)/g,
      (_, letter: string) => ESCAPES[letter] ?? letter,
    );
  }
  if (text.startsWith("'")) return IN_SINGLE_QUOTES.exec(text)?.[1];
  // A # inside a word is part of the value: passwords have them.
  return text.replace(/(?:^|\s+)#.*$/, "").trimEnd();
}

/**
 * Parses the text of a .env file: `NAME=value`, `export NAME=value`, values bare, in 'single' quotes (taken as
 * they are) or in "double" quotes (\n, \r, \t, \\, \" are unescaped). A # begins a comment at the start of a line or
 * after white space. The last of two equal names counts. Values stand on one line.
 */
export function parseDotEnv(text: string): DotEnv {
  const values = new Map<string, string>();
  const problems: string[] = [];
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  for (const [at, raw] of lines.entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, name, rest] = ASSIGNMENT.exec(line) ?? [];
    const value = rest === undefined ? undefined : readValue(rest);
    // The line itself is not shown: it may hold a password.
    if (name === undefined) problems.push(`.env line ${at + 1}: not of the form NAME=value`);
    else if (value === undefined)
      problems.push(`.env line ${at + 1}: ${name} has a quote that does not close`);
    else values.set(name, value);
  }
  return { values, problems };
}

/** Reads `.env` in a folder; a missing file has no variables, an unreadable one is a problem. */
export function readDotEnv(folder: string): DotEnv {
  const path = join(folder, ".env");
  try {
    return parseDotEnv(readFileSync(path, "utf8"));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // A folder named .env (a Python habit) is not ours to judge.
    const isAbsent = code === "ENOENT" || code === "EISDIR";
    const problems = isAbsent
      ? []
      : [`.env: cannot be read (${code ?? "unknown error"}); check its permissions`];
    return { values: new Map(), problems };
  }
}
