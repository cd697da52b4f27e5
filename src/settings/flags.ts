// The command line: which flags exist and how argv becomes values. Does not judge the values themselves.
import { didYouMean } from "../utils/didYouMean.ts";

/** One flag: `value` is the placeholder shown in help (undefined = a switch), `key` the config key it sets. */
type FlagRow = {
  readonly name: `--${string}`;
  readonly value: string | undefined;
  readonly key: string | undefined;
  readonly sentence: string;
};

/** Every flag Hapta knows, in the order of `--help` and the docs. */
export const FLAGS = [
  {
    name: "--config",
    value: "PATH",
    key: undefined,
    sentence: "The config file to load; it must exist.",
  },
  {
    name: "--port",
    value: "N",
    key: "Server.Port",
    sentence: "The TCP port to listen on; 0 picks a free one.",
  },
  { name: "--host", value: "H", key: "Server.Host", sentence: "The address to listen on." },
  {
    name: "--mainNode",
    value: "true|false",
    key: undefined,
    sentence: "Whether this process is the main node; only true is possible in this version.",
  },
  { name: "--NodeId", value: "N", key: "Server.NodeId", sentence: "The number of this node." },
  {
    name: "--check-config",
    value: undefined,
    key: undefined,
    sentence: "Print the effective settings (secrets masked) and where each came from, then exit.",
  },
  {
    name: "--fix-upstream",
    value: undefined,
    key: undefined,
    sentence:
      "Let Hapta correct the settings of the PocketBase at DB_URL that it needs to work behind a proxy.",
  },
  { name: "--help", value: undefined, key: undefined, sentence: "Print this help and exit." },
  { name: "--version", value: undefined, key: undefined, sentence: "Print the version and exit." },
] as const satisfies readonly FlagRow[];

/** The name of a known flag, dashes included. */
export type FlagName = (typeof FLAGS)[number]["name"];

/** The flags given, each at most once; a switch has the value "true". `problems` is empty when argv was right. */
export type ParsedFlags = {
  readonly values: ReadonlyMap<FlagName, string>;
  readonly problems: readonly string[];
};

/** Splits `--flag=value` at its first equals sign; the value is undefined when there is none. */
function splitWord(word: string): { name: string; inline: string | undefined } {
  const equals = word.indexOf("=");
  return equals < 0
    ? { name: word, inline: undefined }
    : { name: word.slice(0, equals), inline: word.slice(equals + 1) };
}

function unknownFlag(name: string): string {
  const guess = didYouMean(
    name,
    FLAGS.map((row) => row.name),
  );
  const hint = guess === undefined ? "see --help for the flags there are" : `did you mean ${guess}?`;
  return name.startsWith("-") ? `${name}: unknown flag; ${hint}` : `"${name}": not a flag; ${hint}`;
}

/** Reads one flag's value: inline, or the next word; says what is wrong instead when there is none. */
function takeValue(row: FlagRow, inline: string | undefined, next: string | undefined) {
  if (row.value === undefined) {
    return inline === undefined
      ? { value: "true", words: 1 }
      : { problem: `${row.name}: takes no value; write ${row.name} alone`, words: 1 };
  }
  const value = inline ?? (next?.startsWith("--") ? undefined : next);
  const words = inline === undefined && value !== undefined ? 2 : 1;
  if (value === undefined || value === "") {
    return { problem: `${row.name}: needs a value; write ${row.name} ${row.value}`, words };
  }
  return { value, words };
}

/**
 * Reads `--flag value` and `--flag=value` (argv without the program's own names).
 * Unknown flags, loose words, missing values and flags given twice become problems, one sentence each.
 */
export function parseFlags(argv: readonly string[]): ParsedFlags {
  const values = new Map<FlagName, string>();
  const problems: string[] = [];
  for (let at = 0; at < argv.length; ) {
    const { name, inline } = splitWord(argv[at] ?? "");
    const row = FLAGS.find((candidate) => candidate.name === name);
    if (row === undefined) {
      problems.push(unknownFlag(name));
      // What follows a misspelt flag is its value.
      const isValued =
        name.startsWith("-") && inline === undefined && argv[at + 1]?.startsWith("-") === false;
      at += isValued ? 2 : 1;
      continue;
    }
    const taken = takeValue(row, inline, argv[at + 1]);
    at += taken.words;
    if (taken.value === undefined) problems.push(taken.problem);
    else if (values.has(row.name)) problems.push(`${row.name}: given twice; give it once`);
    else values.set(row.name, taken.value);
  }
  return { values, problems };
}
