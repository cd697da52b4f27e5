// What PocketBase checks of a new login before it looks at any field: the password twice, and who may be verified.
import type { Collection } from "../pocketbase/collection.ts";
import { toBool, toText } from "./coerce.ts";
import { type FieldError, fieldError, REQUIRED } from "./fieldError.ts";
import type { BodyContext } from "./resolveBody.ts";

const MISMATCH = fieldError("validation_values_mismatch", "Values don't match");

/**
 * Errors that PocketBase gives alone, without any other field's; none for base collections.
 * @returns `"unsure"` when that depends on what only PocketBase knows: manage rules, old passwords, stored values.
 */
export const checkAccount = (
  collection: Collection,
  body: Readonly<Record<string, unknown>>,
  context: BodyContext,
): ReadonlyMap<string, FieldError> | "unsure" => {
  const errors = new Map<string, FieldError>();
  if (collection.type !== "auth") return errors;
  const password = toText(body["password"]);
  const confirmation = toText(body["passwordConfirm"]);
  const old = toText(body["oldPassword"]);
  if (password === undefined || confirmation === undefined || old === undefined) return "unsure";
  const isNew = context.action === "create";
  if (password === "" && (isNew || confirmation !== "" || old !== "")) errors.set("password", REQUIRED);
  if (confirmation === "" && (isNew || password !== "" || old !== ""))
    errors.set("passwordConfirm", REQUIRED);
  else if (confirmation !== password) errors.set("passwordConfirm", MISMATCH);
  if (context.isSuperuser) return errors;
  const guarded = isNew
    ? checkVerified(collection, body)
    : checkOwner(collection, body, password + confirmation);
  if (guarded === "unsure") return "unsure";
  for (const [name, error] of guarded) errors.set(name, error);
  return errors;
};

type Found = readonly (readonly [string, FieldError])[] | "unsure";

// A manage rule that holds lets others verify too.
const checkVerified = (collection: Collection, body: Readonly<Record<string, unknown>>): Found => {
  const verified = toBool(body["verified"]);
  if (verified === false) return [];
  return verified === undefined || collection.rules.manage !== null ? "unsure" : [["verified", MISMATCH]];
};

const checkOwner = (
  collection: Collection,
  body: Readonly<Record<string, unknown>>,
  passwords: string,
): Found => {
  if (Object.hasOwn(body, "email") || Object.hasOwn(body, "verified")) return "unsure";
  if (passwords === "") return [];
  if (collection.rules.manage !== null || toText(body["oldPassword"]) !== "") return "unsure";
  return [["oldPassword", REQUIRED]];
};
