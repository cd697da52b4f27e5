// Judges the body of a record's creation or change by the live schema, before PocketBase has to. What it refuses,
// PocketBase refuses with the same words; where it is not certain of the whole answer, it lets pass.
import type { z } from "zod";
import { type Collection, textOption } from "../pocketbase/collection.ts";
import { indexesOf } from "../pocketbase/indexes.ts";
import { findingsOf } from "../utils/validationSchemas.ts";
import { checkAccount } from "./accountCheck.ts";
import { toText } from "./coerce.ts";
import { toCollectionSchema } from "./collectionSchema.ts";
import { type FieldError, type FieldErrors, fieldError, inWords, type Verdict } from "./fieldError.ts";
import { idsToFind } from "./listChecks.ts";
import { ABSENT, type BodyContext, FINE, resolveBody, UNKNOWN } from "./resolveBody.ts";
import { PASSWORD_BYTES_MAX } from "./textChecks.ts";

/** The sentence above the errors of the fields. */
export const FAILED = { create: "Failed to create record.", update: "Failed to update record." } as const;

interface Prepared {
  readonly schema: z.ZodType;
  /** What every field holds that a body does not name. */
  readonly unnamed: Readonly<Record<string, unknown>>;
}

type Action = BodyContext["action"];

// A collection that stays the same is the same object, so these follow the live schema by themselves.
const prepared: Readonly<Record<Action, WeakMap<Collection, Prepared>>> = {
  create: new WeakMap(),
  update: new WeakMap(),
};

const prepare = (collection: Collection, action: Action): Prepared => {
  const known = prepared[action].get(collection);
  if (known !== undefined) return known;
  const nothing = action === "create" ? undefined : ABSENT;
  const unnamed = Object.fromEntries(collection.fields.map(({ name }) => [name, nothing]));
  const made = { schema: toCollectionSchema(collection, action), unnamed };
  prepared[action].set(collection, made);
  return made;
};

/**
 * Judges a body.
 *
 * @param body - Members of the JSON object, or of a form after `toFormBody`.
 * @returns Every error PocketBase would give, by field, at times none at all; undefined when nothing is wrong, or when
 * PocketBase might know of more: then the body is its to judge. An update's answer has more errors when what it leaves
 * alone does not meet the schema (`isSoundBeside`). Whether the caller may write at all is not asked here. Never throws; O(size).
 */
export const validateBody = (
  collection: Collection,
  body: Readonly<Record<string, unknown>>,
  context: BodyContext,
): FieldErrors | undefined => {
  if (collection.type !== "base" && collection.type !== "auth") return undefined;
  const values = Object.fromEntries(resolveBody(collection, body, context));
  if (context.action === "create" && !context.isSuperuser && overflowsHash(collection, values)) return {};
  const account = checkAccount(collection, body, context);
  if (account === "unsure") return undefined;
  if (account.size > 0) return sorted(account);
  if (context.action === "update" && changesKey(values, context)) return undefined;
  const { schema, unnamed } = prepare(collection, context.action);
  const known = { ...knownRelations(collection, values, context), ...ownKey(values, context) };
  const parsed = schema.safeParse({ ...unnamed, ...values, ...known });
  return parsed.success ? undefined : certainErrors(parsed.error, context);
};

const knownRelations = (
  { fields }: Collection,
  values: Readonly<Record<string, unknown>>,
  { isThere }: BodyContext,
): Readonly<Record<string, unknown>> => {
  if (isThere === undefined) return {};
  const known = fields.filter((field) => {
    const value = field.type === "relation" ? values[field.name] : undefined;
    const ids = value === undefined || value === UNKNOWN ? undefined : idsToFind(field, value);
    const collectionId = textOption(field, "collectionId");
    return ids?.map((id) => isThere(collectionId, id)).every(Boolean);
  });
  return Object.fromEntries(known.map(({ name }) => [name, FINE]));
};

/**
 * Whether PocketBase surely stores a new record whose body {@link validateBody} has nothing against: what it holds is
 * fine, and no other record can stand in its way. Hooks and full disks are not thought of.
 */
export const storesSurely = (
  collection: Collection,
  body: Readonly<Record<string, unknown>>,
  context: BodyContext,
): boolean => {
  const indexes = indexesOf(collection);
  const mayCollide = indexes.length < collection.indexes.length || indexes.some(({ isUnique }) => isUnique);
  if (collection.type !== "base" || mayCollide || Object.hasOwn(body, "id")) return false;
  const { schema, unnamed } = prepare(collection, context.action);
  const values = Object.fromEntries(resolveBody(collection, body, context));
  return schema.safeParse({ ...unnamed, ...values, ...knownRelations(collection, values, context) }).success;
};

// bcrypt takes no more bytes: PocketBase fails while it applies the create rule, and names no field.
const overflowsHash = (collection: Collection, values: Readonly<Record<string, unknown>>): boolean =>
  collection.fields.some(
    ({ name, type }) =>
      type === "password" && Buffer.byteLength(toText(values[name]) ?? "") > PASSWORD_BYTES_MAX,
  );

// The id of an update must be the record's own.
const changesKey = (values: Readonly<Record<string, unknown>>, { recordId }: BodyContext): boolean =>
  Object.hasOwn(values, "id") && values["id"] !== recordId;

const ownKey = (
  values: Readonly<Record<string, unknown>>,
  { action }: BodyContext,
): Readonly<Record<string, unknown>> =>
  action === "update" && Object.hasOwn(values, "id") ? { id: FINE } : {};

const certainErrors = (error: z.ZodError, { wording }: BodyContext): FieldErrors | undefined => {
  const errors = new Map<string, FieldError>();
  for (const { path, finding } of findingsOf<Verdict>(error, ({ message }) =>
    fieldError("validation_invalid_value", message),
  )) {
    const known = finding === "unsure" || finding === undefined ? undefined : inWords(finding, wording);
    if (known === undefined) return undefined;
    errors.set(String(path[0] ?? ""), known);
  }
  return sorted(errors);
};

/** In the order of PocketBase's answer. */
const sorted = (errors: ReadonlyMap<string, FieldError>): FieldErrors =>
  Object.fromEntries([...errors].sort(([a], [b]) => (a < b ? -1 : 1)));
