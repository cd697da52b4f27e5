// The schemas of one collection: its record, a page of records, and the bodies of create and update.
import { type Collection, type CollectionField, isMultiple, textOption } from "../pocketbase/collection.ts";
import type { VisibleCollection } from "./audience.ts";
import { acceptedSchema, answeredSchema, exampleOf } from "./fieldSchema.ts";
import { type JsonSchema, objectOf, schemaRef } from "./jsonSchema.ts";

/** Names of a collection's schemas in the document; collection names have only word characters. */
export const schemaNames = ({ name }: Collection) => ({
  record: name,
  page: `${name}_page`,
  create: `${name}_create`,
  createForm: `${name}_create_form`,
  update: `${name}_update`,
  updateForm: `${name}_update_form`,
  login: `${name}_login`,
});

/** Every schema of a collection that an audience may see, by name. */
export const recordSchemas = (visible: VisibleCollection): Record<string, JsonSchema> => {
  const { collection, operations } = visible;
  const names = schemaNames(collection);
  const schemas: Record<string, JsonSchema> = { [names.record]: recordSchema(visible) };
  if (operations.has("list")) schemas[names.page] = pageSchema(names.record);
  if (operations.has("create")) {
    schemas[names.create] = createSchema(visible, false);
    schemas[names.createForm] = createSchema(visible, true);
  }
  if (operations.has("update")) {
    schemas[names.update] = updateSchema(visible, false);
    schemas[names.updateForm] = updateSchema(visible, true);
  }
  return schemas;
};

const recordSchema = ({ collection, fields }: VisibleCollection): JsonSchema => {
  const properties: Record<string, JsonSchema> = {
    collectionId: { type: "string" },
    collectionName: { type: "string" },
    expand: { type: "object", description: "Related records, when `expand` asked for them." },
  };
  for (const field of fields) properties[field.name] = answeredSchema(field);
  // An e-mail address is only shown to its owner and to whom the owner or the manage rule allows it.
  const optional = collection.type === "auth" ? ["expand", "email"] : ["expand"];
  const example: Record<string, unknown> = { collectionId: collection.id, collectionName: collection.name };
  for (const field of fields) example[field.name] = exampleOf(field);
  return { ...objectOf(properties, optional), title: collection.name, examples: [example] };
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
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const field of fields.filter(isSettable)) {
    properties[field.name] = acceptedSchema(field, asForm);
    if (mustBeSent(field)) required.push(field.name);
  }
  if (collection.type === "auth") {
    Object.assign(properties, PASSWORDS);
    required.push("password", "passwordConfirm");
  }
  return { type: "object", properties, ...(required.length === 0 ? {} : { required }) };
};

const updateSchema = ({ collection, fields }: VisibleCollection, asForm: boolean): JsonSchema => {
  const properties: Record<string, JsonSchema> = {};
  for (const field of fields.filter((one) => isSettable(one) && one.name !== "id")) {
    properties[field.name] = acceptedSchema(field, asForm);
    Object.assign(properties, modifiersOf(field, asForm));
  }
  if (collection.type === "auth") Object.assign(properties, PASSWORDS, OLD_PASSWORD);
  return { type: "object", properties };
};

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
