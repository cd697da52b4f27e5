// The operations on the records of one collection.
import type { VisibleCollection } from "./audience.ts";
import { schemaRef } from "./jsonSchema.ts";
import {
  emptyAnswer,
  jsonAnswer,
  type Operation,
  type Parameter,
  type PathItem,
  type Paths,
  parameterRef,
  pathParameter,
} from "./operation.ts";
import { schemaNames } from "./recordSchemas.ts";
import { refusals } from "./refusals.ts";

const LIST_PARAMETERS = ["page", "perPage", "sort", "filter", "expand", "fields", "skipTotal"].map(
  parameterRef,
);
const VIEW_PARAMETERS = ["expand", "fields"].map(parameterRef);

/** The record operations an audience may call, under the collection's real name. */
export const recordPaths = (visible: VisibleCollection): Paths => {
  const { collection, operations } = visible;
  const all: PathItem = {
    ...(operations.has("list") ? { get: listOperation(visible) } : {}),
    ...(operations.has("create") ? { post: createOperation(visible) } : {}),
  };
  const one: PathItem = {
    ...(operations.has("view") ? { get: viewOperation(visible) } : {}),
    ...(operations.has("update") ? { patch: updateOperation(visible) } : {}),
    ...(operations.has("delete") ? { delete: deleteOperation(visible) } : {}),
  };
  const base = `/api/collections/${collection.name}/records`;
  return {
    ...(Object.keys(all).length === 0 ? {} : { [base]: all }),
    ...(Object.keys(one).length === 0 ? {} : { [`${base}/{id}`]: one }),
  };
};

const ID: Parameter = pathParameter("id", "The id of the record.");

const listOperation = ({ collection }: VisibleCollection): Operation => ({
  operationId: `${collection.name}_list`,
  summary: `List ${collection.name}`,
  tags: [collection.name],
  parameters: LIST_PARAMETERS,
  responses: {
    "200": jsonAnswer("A page of the records this caller may list.", schemaRef(schemaNames(collection).page)),
    ...refusals("400", "401", "403", "404", "429", "503"),
  },
});

const viewOperation = ({ collection }: VisibleCollection): Operation => ({
  operationId: `${collection.name}_view`,
  summary: `View one of ${collection.name}`,
  tags: [collection.name],
  parameters: [ID, ...VIEW_PARAMETERS],
  responses: {
    "200": jsonAnswer("The record.", schemaRef(collection.name)),
    ...refusals("400", "401", "403", "404", "429", "503"),
  },
});

const createOperation = (visible: VisibleCollection): Operation => {
  const { collection } = visible;
  const { create, createForm } = schemaNames(collection);
  return {
    operationId: `${collection.name}_create`,
    summary: collection.type === "auth" ? `Sign up in ${collection.name}` : `Create in ${collection.name}`,
    tags: [collection.name],
    parameters: VIEW_PARAMETERS,
    requestBody: bodies(visible, { json: create, form: createForm }),
    responses: {
      "200": jsonAnswer("The new record.", schemaRef(collection.name)),
      ...refusals("400", "401", "403", "404", "413", "429", "503"),
    },
  };
};

const updateOperation = (visible: VisibleCollection): Operation => {
  const { collection } = visible;
  const { update, updateForm } = schemaNames(collection);
  return {
    operationId: `${collection.name}_update`,
    summary: `Change one of ${collection.name}`,
    tags: [collection.name],
    parameters: [ID, ...VIEW_PARAMETERS],
    requestBody: bodies(visible, { json: update, form: updateForm }),
    responses: {
      "200": jsonAnswer("The record as it is now.", schemaRef(collection.name)),
      ...refusals("400", "401", "403", "404", "413", "429", "503"),
    },
  };
};

const deleteOperation = ({ collection }: VisibleCollection): Operation => ({
  operationId: `${collection.name}_delete`,
  summary: `Delete one of ${collection.name}`,
  tags: [collection.name],
  parameters: [ID],
  responses: { "204": emptyAnswer("Deleted."), ...refusals("400", "401", "403", "404", "429", "503") },
});

// A form is what files need; without files JSON says it all.
const bodies = (
  { fields }: VisibleCollection,
  names: { readonly json: string; readonly form: string },
): NonNullable<Operation["requestBody"]> => {
  const json = { "application/json": { schema: schemaRef(names.json) } };
  const hasFiles = fields.some(({ type }) => type === "file");
  const form = hasFiles ? { "multipart/form-data": { schema: schemaRef(names.form) } } : {};
  return { required: true, content: { ...json, ...form } };
};
