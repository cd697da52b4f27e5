// What the body of a new record says of its fields for certain, as the create rule reads them. Judges nothing.
import { type Collection, type CollectionField, isMultiple, textOption } from "../pocketbase/collection.ts";
import { type BodyContext, resolveBody } from "./resolveBody.ts";

/** Types whose text is stored and compared as it was sent. */
const PLAIN = new Set(["text", "email", "url"]);

/**
 * The text of a field by its name, "" for what is not named; undefined for what PocketBase makes or reads otherwise, and
 * for every other type but single relations.
 */
export const textsOfNew = (
  collection: Collection,
  body: Readonly<Record<string, unknown>>,
  context: Omit<BodyContext, "action">,
): ((name: string) => string | undefined) => {
  const values = resolveBody(collection, body, { ...context, action: "create" });
  return (name) => {
    const field = collection.fieldByName.get(name);
    if (field === undefined || !isPlain(field)) return undefined;
    const value = values.has(name) ? values.get(name) : "";
    // What looks like a list is read as one.
    return typeof value === "string" && !value.includes("[") ? value : undefined;
  };
};

const isPlain = (field: CollectionField): boolean => {
  if (field.name === "id" || textOption(field, "autogeneratePattern") !== "") return false;
  return PLAIN.has(field.type) || (field.type === "relation" && !isMultiple(field));
};
