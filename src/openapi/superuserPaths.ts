// PocketBase's own API for superusers, as every supported version has it: collections, settings, logs, crons, backups.
import { type JsonSchema, objectOf } from "./jsonSchema.ts";
import {
  emptyAnswer,
  jsonAnswer,
  jsonBody,
  type Operation,
  OWN_TAGS,
  type Parameter,
  type Paths,
  parameterRef,
  pathParameter,
  type Response,
} from "./operation.ts";
import { refusals } from "./refusals.ts";

const TEXT: JsonSchema = { type: "string" };
const COUNT: JsonSchema = { type: "integer" };
const OPEN: JsonSchema = { type: "object", additionalProperties: true };
const DONE = { "204": emptyAnswer("Done.") };

const open = (
  properties: Readonly<Record<string, JsonSchema>>,
  optional: readonly string[] = [],
): JsonSchema => ({
  ...objectOf(properties, optional),
  additionalProperties: true,
});
const listOf = (items: JsonSchema): JsonSchema => ({ type: "array", items });
const pageOf = (items: JsonSchema): JsonSchema =>
  objectOf({ page: COUNT, perPage: COUNT, totalItems: COUNT, totalPages: COUNT, items: listOf(items) });

const COLLECTION = open({
  id: TEXT,
  name: TEXT,
  type: TEXT,
  system: { type: "boolean" },
  fields: listOf(OPEN),
});
const NEW_COLLECTION = open({ name: TEXT, type: TEXT, fields: listOf(OPEN) }, ["type", "fields"]);
const LOG = open({ id: TEXT, created: TEXT, level: COUNT, message: TEXT });
const BACKUP = objectOf({ key: TEXT, size: COUNT, modified: TEXT });

const WHICH = pathParameter("collection", "Name or id of the collection.");
const KEY = pathParameter("key", "Name of the backup.");
const PAGING = ["page", "perPage", "sort", "filter", "fields", "skipTotal"].map(parameterRef);
const FIELDS = [parameterRef("fields")];

/** One operation; what a superuser is refused is the same everywhere. */
const operation = (
  [operationId, summary]: readonly [id: string, summary: string],
  responses: Readonly<Record<string, Response>>,
  more: { readonly parameters?: readonly Parameter[]; readonly body?: JsonSchema } = {},
): Operation => ({
  operationId,
  summary,
  tags: [OWN_TAGS.superusers],
  ...(more.parameters === undefined ? {} : { parameters: more.parameters }),
  ...(more.body === undefined ? {} : { requestBody: jsonBody(more.body) }),
  responses: { ...responses, ...refusals("400", "401", "403", "404", "413", "429", "503") },
});

const told = (description: string, schema: JsonSchema) => ({ "200": jsonAnswer(description, schema) });

const collectionPaths: Paths = {
  "/api/collections": {
    get: operation(["listCollections", "List collections"], told("A page.", pageOf(COLLECTION)), {
      parameters: PAGING,
    }),
    post: operation(["createCollection", "Create a collection"], told("It.", COLLECTION), {
      body: NEW_COLLECTION,
    }),
  },
  "/api/collections/{collection}": {
    get: operation(["viewCollection", "View a collection"], told("It.", COLLECTION), {
      parameters: [WHICH, ...FIELDS],
    }),
    patch: operation(["changeCollection", "Change a collection"], told("As it is now.", COLLECTION), {
      parameters: [WHICH],
      body: OPEN,
    }),
    delete: operation(["deleteCollection", "Delete a collection and its records"], DONE, {
      parameters: [WHICH],
    }),
  },
  "/api/collections/{collection}/truncate": {
    delete: operation(["truncateCollection", "Delete every record of a collection"], DONE, {
      parameters: [WHICH],
    }),
  },
  "/api/collections/import": {
    put: operation(["importCollections", "Create and change many collections at once"], DONE, {
      body: objectOf({ collections: listOf(OPEN), deleteMissing: { type: "boolean", default: false } }, [
        "deleteMissing",
      ]),
    }),
  },
  "/api/collections/meta/scaffolds": {
    get: operation(["collectionScaffolds", "Blank collections to begin with"], told("By type.", OPEN)),
  },
};

const settingsPaths: Paths = {
  "/api/settings": {
    get: operation(["viewSettings", "View the settings, without secrets"], told("They.", OPEN), {
      parameters: FIELDS,
    }),
    patch: operation(["changeSettings", "Change settings"], told("As they are now.", OPEN), { body: OPEN }),
  },
  "/api/settings/test/s3": {
    post: operation(["testStorage", "Try the S3 storage"], DONE, {
      body: objectOf({ filesystem: { type: "string", enum: ["storage", "backups"] } }),
    }),
  },
  "/api/settings/test/email": {
    post: operation(["testMail", "Have a mail sent"], DONE, {
      body: objectOf({ email: TEXT, template: TEXT, collection: TEXT }, ["collection"]),
    }),
  },
};

const serverPaths: Paths = {
  "/api/logs": {
    get: operation(["listLogs", "List log lines"], told("A page.", pageOf(LOG)), { parameters: PAGING }),
  },
  "/api/logs/{id}": {
    get: operation(["viewLog", "View a log line"], told("It.", LOG), {
      parameters: [pathParameter("id", "The id of the line.")],
    }),
  },
  "/api/logs/stats": {
    get: operation(
      ["logStats", "Lines by hour"],
      told("Counts.", listOf(open({ date: TEXT, total: COUNT }))),
      {
        parameters: [parameterRef("filter")],
      },
    ),
  },
  "/api/crons": {
    get: operation(
      ["listCrons", "List scheduled jobs"],
      told("All.", listOf(open({ id: TEXT, expression: TEXT }))),
    ),
  },
  "/api/crons/{id}": {
    post: operation(["runCron", "Run a scheduled job now"], DONE, {
      parameters: [pathParameter("id", "The id of the job.")],
    }),
  },
};

const backupPaths: Paths = {
  "/api/backups": {
    get: operation(["listBackups", "List backups"], told("All.", listOf(BACKUP))),
    post: operation(["createBackup", "Make a backup"], DONE, { body: objectOf({ name: TEXT }, ["name"]) }),
  },
  "/api/backups/{key}": {
    delete: operation(["deleteBackup", "Delete a backup"], DONE, { parameters: [KEY] }),
  },
  "/api/backups/{key}/restore": {
    post: operation(["restoreBackup", "Put everything back to a backup; PocketBase restarts"], DONE, {
      parameters: [KEY],
    }),
  },
};

/** The paths that are superusers' alone, in every app. */
export const superuserPaths: Paths = { ...collectionPaths, ...settingsPaths, ...serverPaths, ...backupPaths };
