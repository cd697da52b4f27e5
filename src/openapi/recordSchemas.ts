// The schemas of one collection: its record, a page of records, and the bodies of create and update.
import { type Collection, type CollectionField, isMultiple, textOption } from "../pocketbase/collection.ts";
import type { VisibleCollection } from "./audience.ts";
import { bodyExample, exampleOf } from "./examples.ts";
import { acceptedSchema, answeredSchema } from "./fieldSchema.ts";
import { type JsonSchema, objectOf, schemaRef } from "./jsonSchema.ts";

/**
 * Names of a collection's schemas in the document. Collections have word characters only: with a hyphen, `landing`'s pages
 * are not taken for the collection `landing_page`.
 */
export const schemaNames = ({ name }: Collection) => ({
  record: name,
  page: `${name}-page`,
  create: `${name}-create`,
  createForm: `${name}-create-form`,
  update: `${name}-update`,
  updateForm: `${name}-update-form`,
  login: `${name}-login`,
});

/** Every schema of a collection that an audience may see, with its name. */
export const recordSchemas = (visible: VisibleCollection): [name: string, schema: JsonSchema][] => {
  const { collection, operations } = visible;
  const names = schemaNames(collection);
  const schemas: [string, JsonSchema][] = [[names.record, recordSchema(visible)]];
  if (operations.has("list")) schemas.push([names.page, pageSchema(names.record)]);
  if (operations.has("create"))
    schemas.push(
      [names.create, createSchema(visible, false)],
      [names.createForm, createSchema(visible, true)],
    );
  if (operations.has("update"))
    schemas.push(
      [names.update, updateSchema(visible, false)],
      [names.updateForm, updateSchema(visible, true)],
    );
  return schemas;
};

// Made of entries throughout: a field may be called `__proto__`, which is no member when it is assigned.
const recordSchema = ({ collection, fields }: VisibleCollection): JsonSchema => {
  const { id: collectionId, name: collectionName } = collection;
  const properties = Object.fromEntries([
    ["collectionId", { type: "string" }],
    ["collectionName", { type: "string" }],
    ["expand", { type: "object", description: "Related records, when `expand` asked for them." }],
    ...fields.map((field): [string, JsonSchema] => [field.name, answeredSchema(field)]),
  ]);
  // An e-mail address is only shown to its owner and to whom the owner or the manage rule allows it.
  const optional = collection.type === "auth" ? ["expand", "email"] : ["expand"];
  const example = Object.fromEntries([
    ["collectionId", collectionId],
    ["collectionName", collectionName],
    ...fields.map((field) => [field.name, exampleOf(field)]),
  ]);
  return { ...objectOf(properties, optional), title: collectionName, examples: [example] };
};

const pageSchema = (record: string): JsonSchema =>
  objectOf({
    page: { type: "integer" },
    perPage: { type: "integer" },
    totalItems: { type: "integer", description: "-1 with skipTotal." },
    totalPages: { type: "integer", description: "-1 with skipTotal." },
    items: { type: "array", items: schemaRef(record) },
  });

/** Fields a body may set: neither PocketBase's own times nor, but for a new record, the id. */
const isSettable = ({ type }: CollectionField): boolean => type !== "autodate";

// What PocketBase fills in by itself need not be sent.
const mustBeSent = (field: CollectionField): boolean =>
  field.isRequired && field.name !== "id" && textOption(field, "autogeneratePattern") === "";

const createSchema = ({ collection, fields }: VisibleCollection, asForm: boolean): JsonSchema => {
  const settable = fields.filter(isSettable);
  const passwords = collection.type === "auth" ? Object.entries(PASSWORDS) : [];
  const accepted = settable.map((field): [string, JsonSchema] => [field.name, acceptedSchema(field, asForm)]);
  const schema = objectOf(
    Object.fromEntries([...accepted, ...passwords]),
    settable.filter((field) => !mustBeSent(field)).map(({ name }) => name),
  );
  const secrets = passwords.map(([name]): [string, unknown] => [name, PASSWORD_EXAMPLE]);
  return { ...schema, examples: [Object.fromEntries([...bodyExample(fields), ...secrets])] };
};

const updateSchema = ({ collection, fields }: VisibleCollection, asForm: boolean): JsonSchema => {
  const settable = fields.filter((one) => isSettable(one) && one.name !== "id");
  const passwords = collection.type === "auth" ? { ...PASSWORDS, ...OLD_PASSWORD } : {};
  const accepted = settable.flatMap((field): [string, JsonSchema][] => [
    [field.name, acceptedSchema(field, asForm)],
    ...Object.entries(modifiersOf(field, asForm)),
  ]);
  return {
    type: "object",
    properties: Object.fromEntries([...accepted, ...Object.entries(passwords)]),
    examples: [Object.fromEntries(bodyExample(fields).filter(([name]) => name !== "email"))],
  };
};

const PASSWORD_EXAMPLE = "correct horse battery";

const PASSWORDS: Readonly<Record<string, JsonSchema>> = {
  password: { type: "string", format: "password", minLength: 8, writeOnly: true },
  passwordConfirm: { type: "string", format: "password", writeOnly: true },
};
const OLD_PASSWORD: Readonly<Record<string, JsonSchema>> = {
  oldPassword: {
    type: "string",
    format: "password",
    writeOnly: true,
    description: "Needed to change one's own password.",
  },
};

/** `field+` and `field-`: change what is stored instead of replacing it. */
const modifiersOf = (field: CollectionField, asForm: boolean): Record<string, JsonSchema> => {
  if (field.type === "number")
    return { [`${field.name}+`]: { type: "number" }, [`${field.name}-`]: { type: "number" } };
  const isList = field.type === "select" || field.type === "relation" || field.type === "file";
  if (!isList || !isMultiple(field)) return {};
  const { minItems, maxItems, ...schema } = acceptedSchema(field, asForm);
  const names = answeredSchema(field);
  return { [`${field.name}+`]: schema, [`${field.name}-`]: field.type === "file" ? names : schema };
};
