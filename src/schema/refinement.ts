// The operator's own rules for a collection's records, in Zod, beside PocketBase's. Sees what a body says, not what is
// stored.
import { z } from "zod";
import { type Collection, type CollectionField, isMultiple } from "../pocketbase/collection.ts";
import { toBool, toNumber, toText, toTexts } from "./coerce.ts";
import { type FieldErrors, fieldError } from "./fieldError.ts";
import { type BodyContext, resolveBody, UNKNOWN } from "./resolveBody.ts";

/**
 * Makes the schema that bodies for a collection must meet. `base` has a member for each field, all optional, and lets
 * other members be; values come as PocketBase would store them. Called once for each version of the collection.
 */
export type Refine = (zod: typeof z, base: z.ZodObject, action: "create" | "update") => z.ZodType;

type Action = BodyContext["action"];

/** How a type of field is read, what it holds when it is not named, and its schema. */
interface Reading {
  readonly read: (value: unknown) => unknown;
  readonly empty: unknown;
  readonly schema: z.ZodType;
}

const TEXT: Reading = { read: toText, empty: "", schema: z.string() };
const ONE: Reading = { read: (value) => toTexts(value)?.at(-1) ?? "", empty: "", schema: z.string() };
const LIST: Reading = { read: toTexts, empty: [], schema: z.array(z.string()) };
const READINGS: Readonly<Record<string, Reading>> = {
  text: TEXT,
  editor: TEXT,
  email: TEXT,
  url: TEXT,
  password: TEXT,
  number: { read: toNumber, empty: 0, schema: z.number() },
  bool: { read: toBool, empty: false, schema: z.boolean() },
};

const readingOf = (field: CollectionField): Reading | undefined => {
  if (field.type === "select" || field.type === "relation") return isMultiple(field) ? LIST : ONE;
  return READINGS[field.type];
};

/**
 * Makes the judge of one refinement.
 * @returns Errors by field, `record` for those of no field; undefined when there are none. Throws what the
 * refinement throws.
 */
export const createRefinement = (
  refine: Refine,
): ((
  collection: Collection,
  body: Readonly<Record<string, unknown>>,
  context: Pick<BodyContext, "action" | "isSuperuser">,
) => FieldErrors | undefined) => {
  // A collection that stays the same is the same object.
  const made = new WeakMap<Collection, Map<Action, z.ZodType>>();
  const schemaOf = (collection: Collection, action: Action): z.ZodType => {
    const byAction = made.get(collection) ?? new Map<Action, z.ZodType>();
    const schema = byAction.get(action) ?? refine(z, baseOf(collection), action);
    made.set(collection, byAction.set(action, schema));
    return schema;
  };
  return (collection, body, { action, isSuperuser }) => {
    const values = valuesOf(collection, body, { action, isSuperuser, wording: "unknown" });
    const parsed = schemaOf(collection, action).safeParse(values);
    return parsed.success ? undefined : toErrors(parsed.error);
  };
};

const baseOf = ({ fields }: Collection): z.ZodObject =>
  z.looseObject(
    Object.fromEntries(
      fields.map((field) => [field.name, (readingOf(field)?.schema ?? z.unknown()).optional()]),
    ),
  );

// Members that are no field, modifiers such as `count+` among them, stay as they were sent.
const valuesOf = (
  collection: Collection,
  body: Readonly<Record<string, unknown>>,
  context: BodyContext,
): Readonly<Record<string, unknown>> => {
  const values = new Map(
    Object.entries(body).filter(([name]) => name !== "__proto__" && !collection.fieldByName.has(name)),
  );
  const resolved = resolveBody(collection, body, context);
  for (const field of collection.fields) {
    const isNamed = resolved.has(field.name);
    if (!isNamed && (context.action === "update" || isGenerated(field))) continue;
    const value = isNamed ? stored(field, resolved.get(field.name)) : readingOf(field)?.empty;
    if (value !== UNKNOWN) values.set(field.name, value);
  }
  return Object.fromEntries(values);
};

const stored = (field: CollectionField, value: unknown): unknown => {
  const reading = value === UNKNOWN ? undefined : readingOf(field);
  return reading === undefined ? value : (reading.read(value) ?? value);
};

const isGenerated = ({ options }: CollectionField): boolean => {
  const pattern = options["autogeneratePattern"];
  return typeof pattern === "string" && pattern !== "";
};

/**
 * What broke a schema of the operator's, by member: the first error of each, `params.code` as its code.
 * @param depth - How many steps of an issue's path stand before the member's name.
 */
export const toErrors = (error: z.ZodError, depth = 0): FieldErrors => {
  const errors: Record<string, FieldErrors[string]> = {};
  for (const { path, message, ...issue } of error.issues) {
    const name = String(path[depth] ?? path[0] ?? "record");
    const code: unknown = issue.code === "custom" ? issue.params?.["code"] : undefined;
    errors[name] ??= fieldError(typeof code === "string" ? code : "validation_invalid_value", message);
  }
  return errors;
};
