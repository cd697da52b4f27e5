// The texts of --help and --check-config. Decides nothing.
import { MASK } from "../utils/secret.ts";
import { VERSION } from "../utils/version.ts";
import { CONFIG_PLACES } from "./configFile.ts";
import { VARIABLES, type Variables } from "./environment.ts";
import { FLAGS } from "./flags.ts";
import { type Origin, renderOrigin } from "./origin.ts";
import { KEYS, valueAt } from "./reference.ts";
import type { ParsedConfig } from "./schema.ts";
import { maskRedisUrl, withoutCredentials } from "./variableChecks.ts";

/** Sets rows of texts in columns, two spaces apart; the last column is not padded. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

const indent = (lines: readonly string[]): string => lines.map((text) => `  ${text}`).join("\n");

/** The text of --help: every flag and every environment variable with its sentence. */
export function renderHelp(): string {
  const flags = FLAGS.map((row) => [
    row.value === undefined ? row.name : `${row.name} ${row.value}`,
    row.sentence,
  ]);
  const variables = VARIABLES.map((row) => [row.name, row.sentence]);
  return [
    `Hapta ${VERSION}: a gateway in front of PocketBase`,
    "",
    "Usage: hapta-server [flags]      (in a checkout: npm start -- [flags])",
    "",
    "Flags, as --flag value or --flag=value:",
    indent(columns(flags)),
    "",
    "Environment variables, also read from .env in the working directory:",
    indent(columns(variables)),
    "",
    `Config file: --config, else HAPTA_CONFIG, else ./${CONFIG_PLACES.join(", else ./")}.`,
    "A flag beats the environment, the environment beats .env, .env beats the config file.",
    "",
  ].join("\n");
}

/** What --check-config shows: the user's own names and where each value came from. */
export type Overview = {
  readonly config: ParsedConfig;
  readonly variables: Variables;
  readonly originOf: (key: string) => Origin;
  readonly configFile: string | undefined;
  readonly isMainNode: boolean;
  readonly mainNodeOrigin: Origin;
  readonly notices: readonly string[];
};

function showVariable(name: string, isSecret: boolean, value: string): string {
  if (name === "REDIS_URL") return maskRedisUrl(value);
  if (name === "HAPTA_POCKETBASE_DOWNLOAD") return withoutCredentials(value);
  return isSecret ? MASK : value;
}

function variableRows({ variables }: Overview): string[][] {
  return VARIABLES.filter((row) => row.key === undefined && row.name !== "HAPTA_CONFIG").map((row) => {
    const set = variables.get(row.name);
    if (set !== undefined)
      return [row.name, showVariable(row.name, row.isSecret, set.value), set.origin.kind];
    return [row.name, row.fallback === "" ? "(not set)" : row.fallback, "default"];
  });
}

function keyRows({ config, originOf }: Overview): string[][] {
  return KEYS.map((row) => {
    const value = valueAt(config, row.key);
    const shown = value === undefined ? "(not set)" : row.isSecret ? MASK : JSON.stringify(value);
    const unit = row.unit === "" || value === undefined ? "" : ` ${row.unit}`;
    const origin = originOf(row.key);
    return [row.key, `${shown}${unit}`, origin.kind === "file" ? "file" : renderOrigin(origin)];
  });
}

/** The text of --check-config: every setting, its value (secrets as ***), its origin, and the notices. */
export function renderOverview(overview: Overview): string {
  const rows = [
    ...keyRows(overview),
    ["--mainNode", `${overview.isMainNode}`, renderOrigin(overview.mainNodeOrigin)],
    ...variableRows(overview),
  ];
  return [
    `Hapta ${VERSION}: the settings are valid`,
    `Config file: ${overview.configFile ?? "none"}`,
    "",
    ...columns([["SETTING", "VALUE", "FROM"], ...rows]),
    ...(overview.notices.length === 0 ? [] : ["", ...overview.notices.map((notice) => `Notice: ${notice}`)]),
    "",
  ].join("\n");
}

/** The text shown when settings are wrong: one line per problem. */
export function renderProblems(problems: readonly string[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [`Hapta cannot start: ${count} in the settings`, indent(problems), ""].join("\n");
}
