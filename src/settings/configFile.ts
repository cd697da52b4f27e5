// Finds and loads the TypeScript config file. Does not judge what it exports.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isPlainObject } from "../utils/deepFreeze.ts";

/** Looked for in the working directory, in this order, when no file is named. */
export const CONFIG_PLACES = ["config.ts", "src/config.ts"] as const;

/** How long a config file may take to load, awaits at its top level included. */
const LOAD_TIMEOUT_MS = 10_000;

/** A config file named by a flag or a variable, and which of them named it. */
export type NamedFile = { readonly path: string; readonly by: string };

/** The file found (undefined: there is none, defaults apply), or why the named one cannot be used. */
export type FoundFile = { readonly path: string | undefined } | { readonly problem: string };

/** The default export of a config file, or one sentence on why there is none. */
export type LoadedFile = { readonly value: Record<string, unknown> } | { readonly problem: string };

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** Finds the config file: the named one, which must exist, else the first of CONFIG_PLACES inside `cwd`. */
export function findConfigFile(cwd: string, named: NamedFile | undefined): FoundFile {
  if (named === undefined) {
    return { path: CONFIG_PLACES.map((place) => resolve(cwd, place)).find(isFile) };
  }
  const path = resolve(cwd, named.path);
  if (isFile(path)) return { path };
  return {
    problem: `${named.by}: there is no file ${path}; name an existing config file or leave ${named.by} out`,
  };
}

const firstLine = (text: string): string => text.trim().split("\n", 1)[0]?.slice(0, 200) ?? "";

/** Reads a number or text property of whatever was thrown. */
function field(thrown: unknown, name: string): unknown {
  return typeof thrown === "object" && thrown !== null ? Reflect.get(thrown, name) : undefined;
}

/**
 * Says in one sentence why a config file did not load, with file and line where they are known. The runtime
 * throws an AggregateError for syntax errors (each with a `position`) and sets `sourceURL` and `line` on others.
 */
function explainFailure(path: string, thrown: unknown): string {
  const inner: unknown = field(thrown, "errors");
  const cause: unknown = Array.isArray(inner) && inner.length > 0 ? inner[0] : thrown;
  const position = field(cause, "position");
  const file = field(position, "file") ?? field(cause, "sourceURL") ?? path;
  const line = field(position, "line") ?? field(cause, "line");
  const message = firstLine(String(field(cause, "message") ?? cause)) || "no message";
  const where = typeof line === "number" && line > 0 ? `${file}:${line}` : `${file}`;
  const elsewhere = file === path ? "" : ` (loaded by ${path})`;
  return `The config file cannot be loaded: ${where}: ${message}${elsewhere}`;
}

/** Resolves to undefined after `timeoutMs`; `cancel` ends the timer so that it keeps no process alive. */
function deadline(timeoutMs: number): { readonly passed: Promise<undefined>; readonly cancel: () => void } {
  const { promise, resolve: pass } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => pass(undefined), timeoutMs);
  return { passed: promise, cancel: () => clearTimeout(timer) };
}

/**
 * Imports a config file and returns its default export, which must be a plain object.
 *
 * @param path - Absolute path; TypeScript and JavaScript both work, in the compiled binary too.
 * @param timeoutMs - How long it may take; tests shorten it.
 */
export async function loadConfigFile(path: string, timeoutMs = LOAD_TIMEOUT_MS): Promise<LoadedFile> {
  const limit = deadline(timeoutMs);
  try {
    // Read anew each time; what the file itself imports is not.
    Reflect.deleteProperty(require.cache, path);
    const module: unknown = await Promise.race([import(pathToFileURL(path).href), limit.passed]);
    if (module === undefined) {
      return {
        problem: `The config file ${path} did not load within ${timeoutMs / 1000} s; look for an endless await`,
      };
    }
    const value = field(module, "default");
    if (isPlainObject(value)) return { value };
    const found = value === undefined ? "no default export" : "a default export that is not a plain object";
    return { problem: `The config file ${path} has ${found}; write: export default { ... };` };
  } catch (error) {
    return { problem: explainFailure(path, error) };
  } finally {
    limit.cancel();
  }
}
