// From the members of a body to one value for each field, as PocketBase fills a record: modifiers applied, unknown
// and hidden members left out. Judges nothing.
import { type Collection, type CollectionField, textOption } from "../pocketbase/collection.ts";
import { toNumber, toText, toTexts, Upload } from "./coerce.ts";
import type { Wording } from "./fieldError.ts";

/** Stands for a value that depends on what is stored, or on PocketBase's own making. */
export const UNKNOWN = Symbol("unknown");

/** Stands for a field that an update does not name. */
export const ABSENT = Symbol("absent");

/** Stands for a value that is surely fine. */
export const FINE = Symbol("fine");

/** How a body is read. */
export interface BodyContext {
  readonly action: "create" | "update";
  /** Superusers may fill hidden fields. */
  readonly isSuperuser: boolean;
  /** Of the PocketBase that would answer. */
  readonly wording: Wording;
  /** Whether a record is there, as far as relations to it go; nobody knows of any when absent. */
  readonly isThere?: (collectionId: string, id: string) => boolean;
  /** Of the record that is changed: it may be named, but stays what it is. */
  readonly recordId?: string;
}

/**
 * Values by field name; {@link UNKNOWN} where the outcome is not certain. Of an update only the fields it names,
 * of a creation only those too: what is absent is empty. O(members · log members).
 */
export const resolveBody = (
  collection: Collection,
  body: Readonly<Record<string, unknown>>,
  context: BodyContext,
): Map<string, unknown> => {
  const values = new Map<string, unknown>();
  /** Length of the last name of each field. */
  const lengths = new Map<string, number>();
  // PocketBase applies shorter names first, so that a modifier comes after the value it modifies.
  const targets = Object.keys(body)
    .flatMap((key) => targetOf(collection, key) ?? [])
    .sort((a, b) => a.bytes - b.bytes);
  for (const { field, key, bytes, modifier } of targets) {
    if (isClosed(field, collection, context)) continue;
    const value = body[key];
    // Two of one length come in any order.
    const isDrawn = lengths.get(field.name) === bytes;
    lengths.set(field.name, bytes);
    if (isDrawn || isMisplaced(field, value)) values.set(field.name, UNKNOWN);
    else if (modifier === "") values.set(field.name, namesStored(field, value, context) ? UNKNOWN : value);
    else
      values.set(field.name, modified(field, modifier, { value, before: beforeOf(values, field, context) }));
  }
  return values;
};

// PocketBase looks for files under the names of their fields only.
const isMisplaced = ({ type }: CollectionField, value: unknown): boolean =>
  type !== "file" && (Array.isArray(value) ? value : [value]).some((one) => one instanceof Upload);

// A record that exists may hold files of those names.
const namesStored = (field: CollectionField, value: unknown, { action }: BodyContext): boolean =>
  field.type === "file" && action === "update" && toTexts(value)?.length !== 0;

interface Target {
  readonly field: CollectionField;
  readonly modifier: string;
  /** As the body spells it, and its length. */
  readonly key: string;
  readonly bytes: number;
}

const targetOf = (collection: Collection, key: string): Target | undefined => {
  const exact = collection.fieldByName.get(key);
  const bytes = Buffer.byteLength(key);
  if (exact !== undefined) return { field: exact, modifier: "", key, bytes };
  for (const [name, modifier] of [
    [key.slice(0, -1), key.slice(-1)],
    [key.slice(1), `${key.slice(0, 1)}.`],
    [key.replace(/:autogenerate$/, ""), ":"],
  ] as const) {
    const field = collection.fieldByName.get(name);
    if (field !== undefined && (MODIFIERS[field.type] ?? []).includes(modifier))
      return { field, modifier, key, bytes };
  }
  return undefined;
};

const LISTS = ["+", "-", "+."];
/** `+.` is the plus in front of the name. */
const MODIFIERS: Readonly<Record<string, readonly string[]>> = {
  number: ["+", "-"],
  select: LISTS,
  relation: LISTS,
  file: LISTS,
  text: [":"],
};

const isClosed = (field: CollectionField, collection: Collection, context: BodyContext): boolean => {
  if (field.type === "autodate") return true;
  if (!field.isHidden || context.isSuperuser) return false;
  return !(collection.type === "auth" && field.name === "password");
};

const beforeOf = (
  values: ReadonlyMap<string, unknown>,
  field: CollectionField,
  { action }: BodyContext,
): unknown => (action === "create" || values.has(field.name) ? values.get(field.name) : UNKNOWN);

const modified = (
  field: CollectionField,
  modifier: string,
  { value, before }: { readonly value: unknown; readonly before: unknown },
): unknown => {
  if (before === UNKNOWN) return UNKNOWN;
  if (field.type === "file" && (modifier !== "-" || !isNames(before) || !isNames(value))) return UNKNOWN;
  if (field.type === "text") return generated(field, value);
  if (field.type === "number") return summed(before, value, modifier);
  const [old, change] = [toTexts(before), toTexts(value)];
  if (old === undefined || change === undefined) return UNKNOWN;
  if (modifier === "-") return old.filter((one) => !change.includes(one));
  return modifier === "+" ? [...old, ...change] : [...change, ...old];
};

// Uploads and lists within texts or lists are read in other ways.
const isNames = (value: unknown): boolean => {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.every((one) => typeof one !== "object" && !String(one).includes("["));
};

// Without a pattern nothing is generated behind the prefix; where only the length counts, it is known at times.
const generated = (field: CollectionField, value: unknown): unknown => {
  const prefix = toText(value);
  const length = generatedLength(textOption(field, "autogeneratePattern"));
  if (prefix === undefined || length === undefined) return UNKNOWN;
  if (length > 0 && textOption(field, "pattern") !== "") return UNKNOWN;
  return prefix + "x".repeat(length);
};

/** Classes and plain characters, each so many times. */
const COUNTED = /^(?:(?:\[[\w-]+\]|\w)(?:\{\d{1,3}\})?)*$/;

const generatedLength = (pattern: string): number | undefined => {
  if (!COUNTED.test(pattern)) return undefined;
  const counts = pattern.matchAll(/(?:\[[\w-]+\]|\w)(?:\{(\d+)\})?/g);
  return [...counts].reduce((sum, [, count = "1"]) => sum + Number(count), 0);
};

const summed = (before: unknown, value: unknown, modifier: string): unknown => {
  const [old, change] = [toNumber(before), toNumber(value)];
  if (old === undefined || change === undefined) return UNKNOWN;
  const sum = modifier === "+" ? old + change : old - change;
  // As a word it is told from what JSON can't hold.
  return Number.isFinite(sum) ? sum : String(sum);
};
