// Turns what Zod found into sentences for a person: the key, what was found, what is allowed, the fix.
// Never shows the value of a secret key.
import type { z } from "zod";
import { isPlainObject } from "../utils/deepFreeze.ts";
import { didYouMean } from "../utils/didYouMean.ts";
import { type Origin, renderOrigin } from "./origin.ts";
import { KEYS, valueAt } from "./reference.ts";

/** Longest piece of a wrong value that an error shows. */
const SHOWN_CHARACTERS = 60;

/** Says a value of any type in a few words; long texts are cut. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value === "string") {
    const text = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}...` : value;
    return value === "" ? "an empty text" : `the text ${JSON.stringify(text)}`;
  }
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "boolean") return `${value}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Says a value that must not be shown. */
const describeHidden = (value: unknown): string =>
  typeof value === "string" ? `a text of ${value.length} characters` : `a ${typeof value}`;

const lastPart = (key: string): string => key.slice(key.lastIndexOf(".") + 1);

/** The known names directly inside a group ("" = the file itself). */
function namesIn(group: string): string[] {
  const prefix = group === "" ? "" : `${group}.`;
  const inside = KEYS.filter((row) => row.key.startsWith(prefix)).map((row) => row.key.slice(prefix.length));
  return [...new Set(inside.map((rest) => rest.split(".")[0] ?? ""))];
}

/** The key whose value (a list or a record) a path leads into. */
const ownerOf = (path: string) => KEYS.find((row) => path.startsWith(`${row.key}.`));

function explainUnknownKey(group: string, name: string): string {
  const path = group === "" ? name : `${group}.${name}`;
  const owner = ownerOf(path);
  if (owner !== undefined) return `${path}: unknown key; remove it. Allowed: ${owner.allowed}`;
  const sibling = didYouMean(name, namesIn(group));
  if (sibling !== undefined) {
    return `${path}: unknown key; did you mean ${group === "" ? sibling : `${group}.${sibling}`}?`;
  }
  const elsewhere = KEYS.find((row) => lastPart(row.key).toLowerCase() === name.toLowerCase());
  if (elsewhere !== undefined) return `${path}: unknown key; did you mean ${elsewhere.key}?`;
  const place = group === "" ? "The config file" : group;
  return `${path}: unknown key; remove it. ${place} may have: ${namesIn(group).join(", ")}`;
}

/** `Network.TrustedProxies[1]` for ["Network", "TrustedProxies", 1]. */
const renderPath = (path: readonly PropertyKey[]): string =>
  path
    .map((part, at) => (typeof part === "number" ? `[${part}]` : `${at === 0 ? "" : "."}${String(part)}`))
    .join("");

/** How to write a right value in the place where the wrong one came from. */
function renderFix(key: string, origin: Origin, example: unknown): string {
  switch (origin.kind) {
    case "flag":
      return `${origin.name} ${String(example)}`;
    case "environment":
    case ".env":
      return `${origin.name}=${String(example)}`;
    case "file":
    case "default":
      return `${key}: ${JSON.stringify(example)}`;
  }
}

function explainValue(issue: z.core.$ZodIssue, raw: unknown, originOf: (key: string) => Origin): string {
  const names = issue.path.filter((part) => typeof part === "string");
  const key = names.join(".");
  const row = KEYS.find((candidate) => candidate.key === key);
  const origin = originOf(key);
  const value = valueAt(raw, issue.path.join("."));
  // Inside a list no key says of itself that it is secret.
  const isSecret = row?.isSecret === true || names.some((name) => /^Secrets?$/.test(name));
  const found = isSecret ? describeHidden(value) : describeValue(value);
  const start = `${renderPath(issue.path)}: found ${found} (${renderOrigin(origin)})`;
  // A list's entry is no key of its own: its check says itself what is allowed.
  if (issue.code === "custom" && names.length < issue.path.length) return `${start}; ${issue.message}`;
  if (row === undefined) {
    const inGroup = isPlainObject(value) ? issue.message : `an object with ${namesIn(key).join(", ")}`;
    return `${start}; allowed: ${ownerOf(key)?.allowed ?? inGroup}`;
  }
  const fix = row.fallback === undefined ? "" : `; for example ${renderFix(key, origin, row.fallback)}`;
  return `${start}; allowed: ${row.allowed}${fix}`;
}

/**
 * Says every issue of a failed parse, one sentence each.
 *
 * @param issues - What Zod found wrong.
 * @param raw - The value that was parsed, to show what was found.
 * @param originOf - Where the value of a dotted key came from.
 */
export function explainIssues(
  issues: readonly z.core.$ZodIssue[],
  raw: unknown,
  originOf: (key: string) => Origin,
): string[] {
  return issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((name) => explainUnknownKey(issue.path.join("."), name))
      : [explainValue(issue, raw, originOf)],
  );
}
