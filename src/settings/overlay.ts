// Lays flags and environment over the config file and remembers where each value came from. Validates nothing.
import { isPlainObject } from "../utils/deepFreeze.ts";
import type { Origin } from "./origin.ts";
import { KEYS, valueAt } from "./reference.ts";

/** One value from outside the config file: the dotted key it sets, its text, its origin. */
export type Layer = { readonly key: string; readonly text: string; readonly origin: Origin };

/** The config file as loaded; undefined when there is none. */
type ConfigFile = { readonly path: string; readonly value: Record<string, unknown> } | undefined;

/** The merged, still unchecked config, and where the value of a dotted key came from. */
export type Overlaid = {
  readonly raw: Record<string, unknown>;
  readonly originOf: (key: string) => Origin;
};

/** Turns a text into the type its key has, when it looks like it; otherwise leaves it for the schema to refuse. */
function toKeyType(key: string, text: string): unknown {
  const fallback = KEYS.find((row) => row.key === key)?.fallback;
  return typeof fallback === "number" && /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

/**
 * Merges layers over a config file, later ones over earlier ones, without changing the file's value.
 * A group of the file that is no object is kept as it is, so that the schema reports it.
 */
export function overlay(file: ConfigFile, layers: readonly Layer[]): Overlaid {
  const raw: Record<string, unknown> = { ...file?.value };
  for (const { key, text } of layers) {
    const [group = "", name = ""] = key.split(".");
    const present = raw[group] ?? {};
    if (isPlainObject(present)) raw[group] = { ...present, [name]: toKeyType(key, text) };
  }
  const originOf = (key: string): Origin => {
    const layer = layers.findLast((candidate) => candidate.key === key);
    if (layer !== undefined) return layer.origin;
    const isInFile = file !== undefined && valueAt(file.value, key) !== undefined;
    return isInFile ? { kind: "file", path: file.path } : { kind: "default" };
  };
  return { raw, originOf };
}
