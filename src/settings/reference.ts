// The config schema as a flat list of keys, for docs, --check-config and error texts. Checks no values.
import { z } from "zod";
import { isPlainObject } from "../utils/deepFreeze.ts";
import { configSchema } from "./schema.ts";

/** One key of the config file as its user sees it. `unit` is "" for plain values. */
export type KeyRow = {
  readonly key: string;
  readonly fallback: unknown;
  readonly unit: string;
  readonly allowed: string;
  readonly sentence: string;
  readonly isSecret: boolean;
};

/** Returns the value at a dotted path, or undefined. Walks own properties only. */
export function valueAt(root: unknown, key: string): unknown {
  let value = root;
  for (const part of key.split(".")) {
    const isBranch = Array.isArray(value) || isPlainObject(value);
    value = isBranch && Object.hasOwn(value as object, part) ? Reflect.get(value as object, part) : undefined;
  }
  return value;
}

function rowsOf(node: unknown, prefix: string, defaults: unknown): KeyRow[] {
  const properties = valueAt(node, "properties");
  if (!isPlainObject(properties)) return [];
  return Object.entries(properties).flatMap(([name, child]): KeyRow[] => {
    const key = prefix === "" ? name : `${prefix}.${name}`;
    if (isPlainObject(valueAt(child, "properties"))) return rowsOf(child, key, defaults);
    const text = (field: string): string => String(valueAt(child, field) ?? "");
    return [
      {
        key,
        fallback: valueAt(defaults, key),
        unit: text("unit"),
        allowed: text("allowed"),
        sentence: text("description"),
        isSecret: valueAt(child, "secret") === true,
      },
    ];
  });
}

/** Every key of the config file, in the order of the schema. */
export const KEYS: readonly KeyRow[] = rowsOf(
  // Functions have no JSON schema; what is said about them counts.
  z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }),
  "",
  configSchema.parse({}),
);
