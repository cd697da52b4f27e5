// Flags, environment, .env and config file become one frozen Settings value, or a text to print. The only reader
// of Hapta's own variables; the entry point hands the environment in here, and to the embedded PocketBase.
import { type Candidate, findContradictions, findNotices } from "./settings/checks.ts";
import { findConfigFile, loadConfigFile, type NamedFile } from "./settings/configFile.ts";
import { type DotEnv, readDotEnv } from "./settings/dotEnv.ts";
import {
  type Environment,
  noticeMisspelt,
  readVariables,
  VARIABLES,
  type Variables,
} from "./settings/environment.ts";
import { describeValue, explainIssues } from "./settings/explain.ts";
import { FLAGS, type ParsedFlags, parseFlags } from "./settings/flags.ts";
import { type Layer, type Overlaid, overlay } from "./settings/overlay.ts";
import { type Overview, renderHelp, renderOverview, renderProblems } from "./settings/render.ts";
import { configSchema, type ParsedConfig } from "./settings/schema.ts";
import { type Settings, toSettings } from "./settings/settingsShape.ts";
import { judgeVariables } from "./settings/variableChecks.ts";
import { VERSION } from "./utils/version.ts";

export type { Settings } from "./settings/settingsShape.ts";

/** What a start of Hapta is told: argv without the program's own names, the environment, the folder it runs in. */
export type CommandInput = {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly cwd: string;
};

/** What the command line asks for: to serve, or only to print a text and exit. */
export type Command =
  | { readonly kind: "serve"; readonly settings: Settings }
  | {
      readonly kind: "print";
      readonly text: string;
      readonly exitCode: 0 | 1 | 2;
      readonly stream: "stdout" | "stderr";
    };

/** Settings that cannot be used; `problems` has one sentence each, fit for a person, without secrets. */
export class SettingsError extends Error {
  readonly problems: readonly string[];

  /** @param problems - At least one sentence. */
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "SettingsError";
    this.problems = problems;
  }
}

/** The config file's text form: what was loaded, with environment and flags over it. */
type Gathered = {
  readonly overlaid: Overlaid;
  readonly configFile: string | undefined;
};

function layersOf(variables: Variables, flags: ParsedFlags): Layer[] {
  const fromVariables = VARIABLES.flatMap((row): Layer[] => {
    const set = variables.get(row.name);
    return row.key === undefined || set === undefined
      ? []
      : [{ key: row.key, text: set.value, origin: set.origin }];
  });
  const fromFlags = FLAGS.flatMap((row): Layer[] => {
    const text = flags.values.get(row.name);
    return row.key === undefined || text === undefined
      ? []
      : [{ key: row.key, text, origin: { kind: "flag", name: row.name } }];
  });
  return [...fromVariables, ...fromFlags];
}

function namedConfigFile(variables: Variables, flags: ParsedFlags): NamedFile | undefined {
  const flag = flags.values.get("--config");
  if (flag !== undefined) return { path: flag, by: "--config" };
  const variable = variables.get("HAPTA_CONFIG");
  return variable === undefined ? undefined : { path: variable.value, by: "HAPTA_CONFIG" };
}

/** Makes .env visible to a config file that reads process.env; a real variable is never replaced. */
function exposeDotEnv(env: Environment, dotEnv: DotEnv): void {
  for (const [name, value] of dotEnv.values) env[name] ??= value;
}

/** Finds and loads the config file and lays environment and flags over it. Throws SettingsError. */
async function gather(cwd: string, variables: Variables, flags: ParsedFlags): Promise<Gathered> {
  const layers = layersOf(variables, flags);
  const found = findConfigFile(cwd, namedConfigFile(variables, flags));
  if ("problem" in found) throw new SettingsError([found.problem]);
  if (found.path === undefined) return { overlaid: overlay(undefined, layers), configFile: undefined };
  const loaded = await loadConfigFile(found.path);
  if ("problem" in loaded) throw new SettingsError([loaded.problem]);
  return {
    overlaid: overlay({ path: found.path, value: loaded.value }, layers),
    configFile: found.path,
  };
}

function judgeMainNode(flags: ParsedFlags): string[] {
  const text = flags.values.get("--mainNode") ?? "true";
  if (text === "true" || text === "false") return [];
  return [`--mainNode: found ${describeValue(text)}; allowed: true or false; for example --mainNode true`];
}

/** Reads every source and checks it. Throws SettingsError with all problems found. */
async function readAll(input: CommandInput, flags: ParsedFlags) {
  const dotEnv = readDotEnv(input.cwd);
  const variables = readVariables(input.env, dotEnv);
  const misspelt = noticeMisspelt(input.env, dotEnv);
  exposeDotEnv(input.env, dotEnv);
  const problems = [...dotEnv.problems, ...judgeMainNode(flags), ...judgeVariables(variables)];
  const { overlaid, configFile } = await gather(input.cwd, variables, flags).catch((error: unknown) => {
    throw error instanceof SettingsError ? new SettingsError([...problems, ...error.problems]) : error;
  });
  const parsed = configSchema.safeParse(overlaid.raw);
  if (!parsed.success) {
    const issues = explainIssues(parsed.error.issues, overlaid.raw, overlaid.originOf);
    throw new SettingsError([...problems, ...issues]);
  }
  const config: ParsedConfig = parsed.data;
  const candidate: Candidate = {
    config,
    variables,
    isMainNode: flags.values.get("--mainNode") !== "false",
    fixUpstream: flags.values.has("--fix-upstream"),
  };
  problems.push(...findContradictions(candidate));
  if (problems.length > 0) throw new SettingsError(problems);
  const notices = [...misspelt, ...findNotices(candidate)];
  return { ...candidate, originOf: overlaid.originOf, configFile, cwd: input.cwd, notices };
}

const print = (text: string, exitCode: 0 | 1 | 2): Command => ({
  kind: "print",
  text: text.endsWith("\n") ? text : `${text}\n`,
  exitCode,
  stream: exitCode === 0 ? "stdout" : "stderr",
});

/**
 * Reads flags, environment, .env and config file and returns the Settings, deeply frozen.
 * `.env` values are added to `env` where it has none, so that a config file can read them.
 * Throws SettingsError for wrong flags and settings; anything else thrown is a bug.
 */
export async function loadSettings(input: CommandInput): Promise<Settings> {
  const flags = parseFlags(input.argv);
  if (flags.problems.length > 0) throw new SettingsError(flags.problems);
  return toSettings(await readAll(input, flags));
}

/**
 * Decides what this start of the program is to do: serve with these settings, or print a text and exit with
 * 0 (--help, --version, --check-config), 1 (the settings are wrong) or 2 (the flags are wrong). Never throws for
 * a user's mistake. Changes `env` as loadSettings does.
 */
export async function parseCommand(input: CommandInput): Promise<Command> {
  const flags = parseFlags(input.argv);
  if (flags.problems.length > 0)
    return print(flags.problems.map((problem) => `hapta: ${problem}`).join("\n"), 2);
  if (flags.values.has("--help")) return print(renderHelp(), 0);
  if (flags.values.has("--version")) return print(`hapta ${VERSION}`, 0);
  try {
    const all = await readAll(input, flags);
    if (!flags.values.has("--check-config")) return { kind: "serve", settings: toSettings(all) };
    const mainNode = flags.values.has("--mainNode");
    const overview: Overview = {
      ...all,
      mainNodeOrigin: mainNode ? { kind: "flag", name: "--mainNode" } : { kind: "default" },
    };
    return print(renderOverview(overview), 0);
  } catch (error) {
    if (error instanceof SettingsError) return print(renderProblems(error.problems), 1);
    throw error;
  }
}
