// One Zod schema for the bodies of a collection, made from its fields. Coercion is PocketBase's; values stay as sent.
import type { z } from "zod";
import type { Collection, CollectionField } from "../pocketbase/collection.ts";
import { checkedMembers } from "../utils/validationSchemas.ts";
import type { Check, Verdict } from "./fieldError.ts";
import { checkJson } from "./jsonCheck.ts";
import { checkFile, checkRelation, checkSelect } from "./listChecks.ts";
import { checkBool, checkDate, checkGeoPoint, checkNumber } from "./plainChecks.ts";
import { ABSENT, type BodyContext, FINE, UNKNOWN } from "./resolveBody.ts";
import { checkEditor, checkEmail, checkPassword, checkText, checkUrl } from "./textChecks.ts";

const CHECKS: Readonly<Record<string, (field: CollectionField) => Check>> = {
  text: checkText,
  editor: checkEditor,
  email: checkEmail,
  url: checkUrl,
  password: checkPassword,
  number: checkNumber,
  bool: checkBool,
  date: checkDate,
  geoPoint: checkGeoPoint,
  select: checkSelect,
  relation: checkRelation,
  file: checkFile,
  json: checkJson,
  autodate: () => () => undefined,
};

/** The check of one field's value in the body of a new record or of a change. */
export const toCheck = (field: CollectionField, action: BodyContext["action"]): Check => {
  // Only new records get values made for them.
  const isNew = action === "create";
  const check = CHECKS[field.type]?.(isNew ? field : withoutGenerator(field));
  // A type that a later PocketBase adds.
  if (check === undefined) return () => "unsure";
  return (value) => {
    if (value === ABSENT || value === FINE) return undefined;
    return value === UNKNOWN ? "unsure" : check(value);
  };
};

const withoutGenerator = (field: CollectionField): CollectionField => ({
  ...field,
  options: { ...field.options, autogeneratePattern: "" },
});

/**
 * The schema of a collection's bodies, one member for each field, other members allowed. Its issues carry a
 * {@link Verdict}, to be read with `findingsOf`.
 */
export const toCollectionSchema = (collection: Collection, action: BodyContext["action"]): z.ZodType =>
  checkedMembers<Exclude<Verdict, undefined>>(
    new Map(collection.fields.map((field) => [field.name, toCheck(field, action)])),
  );
