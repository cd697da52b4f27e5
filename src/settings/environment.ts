// The environment variables Hapta reads, and how a real one beats the same name in .env.
import { didYouMean } from "../utils/didYouMean.ts";
import type { DotEnv } from "./dotEnv.ts";
import type { Origin } from "./origin.ts";

/** One variable. `key` is the config key it sets, `fallback` the text the docs show when it is not set. */
type VariableRow = {
  readonly name: string;
  readonly isSecret: boolean;
  readonly key: string | undefined;
  readonly allowed: string;
  readonly fallback: string;
  readonly sentence: string;
};

const plain = { isSecret: false, key: undefined, fallback: "" } as const;
const secret = { isSecret: true, key: undefined, fallback: "" } as const;
const KEY_ALLOWED = "a text of at least 16 characters, random, not copied from an example";

/** Every environment variable Hapta reads, in the order of `--help` and the docs. */
export const VARIABLES = [
  {
    ...plain,
    name: "DB_URL",
    allowed: "an http:// or https:// URL without user, path and query",
    sentence: "The PocketBase to put Hapta in front of. Not set: Hapta starts an embedded one.",
  },
  {
    ...plain,
    name: "ADMIN_EMAIL",
    allowed: "an email address",
    sentence: "The superuser of the PocketBase at DB_URL. Needed with DB_URL.",
  },
  {
    ...secret,
    name: "ADMIN_PASSWORD",
    allowed: "a text",
    sentence: "The password of that superuser. Needed with DB_URL.",
  },
  {
    ...secret,
    name: "HAPTA_ADMIN_KEY",
    allowed: KEY_ALLOWED,
    sentence: "The key to Hapta's own admin API and metrics. Not set: they are closed.",
  },
  {
    ...plain,
    name: "HAPTA_DATA_DIR",
    allowed: "a path",
    fallback: "./hapta_data",
    sentence: "Where Hapta keeps its data, the embedded PocketBase's included.",
  },
  {
    ...secret,
    name: "HAPTA_ROOT_KEY",
    allowed: "32 random bytes as 64 hex digits or as base64",
    sentence: "The key other keys are derived from. Not set: one is made in the data folder.",
  },
  {
    ...secret,
    name: "HAPTA_CLUSTER_SECRET",
    allowed: KEY_ALLOWED,
    sentence: "What the nodes of a cluster sign their messages with.",
  },
  {
    ...secret,
    name: "HAPTA_GUARD_SECRET",
    key: "Upstream.GuardSecret",
    allowed: "a text of 16 to 256 visible ASCII characters",
    sentence:
      "What a guard hook in PocketBase knows Hapta by; beats Upstream.GuardSecret of the config file.",
  },
  {
    ...secret,
    name: "REDIS_URL",
    allowed: "a redis:// or rediss:// URL",
    sentence: "The Redis or Valkey that the nodes of a large cluster share.",
  },
  {
    ...plain,
    name: "HAPTA_CONFIG",
    allowed: "a path",
    sentence: "The config file to load; --config beats it.",
  },
  {
    ...plain,
    name: "PORT",
    key: "Server.Port",
    allowed: "a whole number from 0 to 65535",
    fallback: "3599",
    sentence: "The TCP port to listen on; beats Server.Port of the config file.",
  },
  {
    ...plain,
    name: "HAPTA_HOST",
    key: "Server.Host",
    allowed: "an address",
    fallback: "0.0.0.0",
    sentence: "The address to listen on; beats Server.Host of the config file.",
  },
  {
    ...plain,
    name: "HAPTA_POCKETBASE_BIN",
    allowed: "a path",
    sentence: "The PocketBase binary to run as the embedded one.",
  },
  {
    ...plain,
    name: "HAPTA_POCKETBASE_DOWNLOAD",
    allowed: "an http:// or https:// URL",
    sentence: "Where PocketBase releases are downloaded from, instead of their official place.",
  },
] as const satisfies readonly VariableRow[];

/** The name of a variable Hapta reads. */
export type VariableName = (typeof VARIABLES)[number]["name"];

/** A variable's text and whether it came from the real environment or from .env. */
export type Variable = { readonly value: string; readonly origin: Origin };

/** The variables that are set, by name. */
export type Variables = ReadonlyMap<VariableName, Variable>;

/** What a process environment looks like; `process.env` is one. */
export type Environment = Record<string, string | undefined>;

/**
 * Looks every known variable up in the real environment, then in .env. A real variable always beats .env, also
 * when it is empty; an empty text counts as not set.
 */
export function readVariables(env: Environment, dotEnv: DotEnv): Variables {
  const found = new Map<VariableName, Variable>();
  for (const { name } of VARIABLES) {
    const real = env[name];
    const value = real ?? dotEnv.values.get(name) ?? "";
    if (value === "") continue;
    found.set(name, { value, origin: { kind: real === undefined ? ".env" : "environment", name } });
  }
  return found;
}

/** Notices about HAPTA_ variables that are close to a known name but are none: most likely typing mistakes. */
export function noticeMisspelt(env: Environment, dotEnv: DotEnv): string[] {
  const known: readonly string[] = VARIABLES.map((row) => row.name);
  const names = new Set([...Object.keys(env), ...dotEnv.values.keys()]);
  return [...names]
    .filter((name) => name.startsWith("HAPTA_") && !known.includes(name))
    .flatMap((name) => {
      const guess = didYouMean(name, known);
      return guess === undefined ? [] : [`${name}: unknown variable, not used; did you mean ${guess}?`];
    });
}
