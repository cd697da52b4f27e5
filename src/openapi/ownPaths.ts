// What is the same in every app: files, realtime, batches and health; what else Hapta adds is joined to it here.
import { ANY_JSON, type JsonSchema, objectOf } from "./jsonSchema.ts";
import {
  emptyAnswer,
  jsonAnswer,
  jsonBody,
  type Operation,
  OWN_TAGS,
  type Parameter,
  type Paths,
  pathParameter,
} from "./operation.ts";
import { refusal, refusals } from "./refusals.ts";
import { sessionPaths } from "./sessionPaths.ts";
import { uploadPaths } from "./uploadPaths.ts";

const TEXT: JsonSchema = { type: "string" };
const TIME: JsonSchema = { type: "string", format: "date-time" };

const bytes = (description: string, ...types: readonly string[]) => ({
  description,
  content: Object.fromEntries(types.map((type) => [type, { schema: { type: "string", format: "binary" } }])),
});

const query = (name: string, description: string): Parameter => ({
  name,
  in: "query",
  description,
  schema: TEXT,
});

const fileOperation: Operation = {
  operationId: "downloadFile",
  summary: "Download a file",
  description: "Takes `Range` and conditional requests. Protected files need a file token.",
  tags: [OWN_TAGS.files],
  parameters: [
    pathParameter("collection", "Name or id of the collection."),
    pathParameter("id", "The id of the record."),
    pathParameter("filename", "The name as the record holds it."),
    query("thumb", "A size such as `100x100` that the field allows; pictures only."),
    query("token", "A file token, for protected files."),
    query("download", "`1`: as an attachment."),
  ],
  responses: {
    "200": bytes("The file.", "application/octet-stream"),
    "206": bytes("A part of it.", "application/octet-stream"),
    "304": emptyAnswer("Unchanged."),
    "412": emptyAnswer("A condition does not hold."),
    "416": emptyAnswer("No such range."),
    ...refusals("404", "429", "503"),
  },
};

const fileTokenOperation: Operation = {
  operationId: "fileToken",
  summary: "A short token for protected files",
  tags: [OWN_TAGS.files],
  responses: { "200": jsonAnswer("The token.", objectOf({ token: TEXT })), ...refusals("401", "429", "503") },
};

const signOperation: Operation = {
  operationId: "signFile",
  summary: "A URL that lets anybody read one file for a while",
  description: "For who may read the file. The URL ends with its time, and with the file.",
  tags: [OWN_TAGS.files],
  requestBody: jsonBody(
    objectOf(
      {
        collection: { type: "string", description: "Name or id." },
        record: TEXT,
        file: { type: "string", description: "The name as the record holds it." },
        expiresIn: { type: "integer", minimum: 1, maximum: 604_800, default: 3_600, description: "Seconds." },
      },
      ["expiresIn"],
    ),
  ),
  responses: {
    "200": jsonAnswer("The URL, without host.", objectOf({ url: TEXT, expires: TIME })),
    ...refusals("400", "401", "404", "429", "503"),
  },
};

const streamOperation: Operation = {
  operationId: "openStream",
  summary: "Open an event stream",
  description:
    "Server-sent events. The first one, `PB_CONNECT`, holds the client id that subscriptions are made with; every later one is named after its topic and holds `{action, record}`.",
  tags: [OWN_TAGS.realtime],
  responses: {
    "200": { description: "The stream.", content: { "text/event-stream": { schema: TEXT } } },
    ...refusals("429", "503"),
  },
};

const subscribeOperation: Operation = {
  operationId: "subscribe",
  summary: "Say which topics a stream brings",
  description: "Topics are `collection/*` or `collection/ID`; the list replaces the one before.",
  tags: [OWN_TAGS.realtime],
  requestBody: jsonBody(objectOf({ clientId: TEXT, subscriptions: { type: "array", items: TEXT } })),
  responses: { "204": emptyAnswer("Subscribed."), ...refusals("400", "401", "403", "404", "429", "503") },
};

const socketOperation: Operation = {
  operationId: "openSocket",
  summary: "Open a WebSocket",
  description:
    'JSON text frames. From the client: `{"type":"auth","token"}`, `{"type":"subscribe","topics"}`, `{"type":"unsubscribe","topics"}`, `{"type":"join"|"message"|"leave","channel","data"}`, `{"type":"ping"}`. From the server: `{"type":"connected","clientId"}`, `{"type":"subscribed","topics"}`, `{"type":"event","topic","data":{"action","record"},"offset"}`, `{"type":"joined"|"join"|"message"|"leave"|"left"|"sent","channel"}`, `{"type":"pong"}`, `{"type":"error","code","message"}`.',
  tags: [OWN_TAGS.realtime],
  responses: {
    "101": emptyAnswer("The connection speaks WebSocket."),
    "426": refusal("426", "The request is none for a WebSocket."),
    ...refusals("400", "401", "403", "429", "503"),
  },
};

const batchOperation: Operation = {
  operationId: "batch",
  summary: "Several writes, all or none",
  tags: [OWN_TAGS.batch],
  requestBody: jsonBody(
    objectOf({
      requests: {
        type: "array",
        items: objectOf(
          {
            method: { type: "string", enum: ["POST", "PUT", "PATCH", "DELETE"] },
            url: { type: "string", examples: ["/api/collections/posts/records"] },
            headers: { type: "object", additionalProperties: TEXT },
            body: { type: "object", additionalProperties: true },
          },
          ["headers", "body"],
        ),
      },
    }),
  ),
  responses: {
    "200": jsonAnswer("One answer for each write.", {
      type: "array",
      items: objectOf({ status: { type: "integer" }, body: ANY_JSON }),
    }),
    ...refusals("400", "401", "403", "413", "429", "503"),
  },
};

/** The paths every app has. Guests see those of sessions, too: a token makes them work. */
export const ownPaths = (): Paths => ({
  "/api/files/{collection}/{id}/{filename}": { get: fileOperation },
  "/api/files/token": { post: fileTokenOperation },
  "/files/sign": { post: signOperation },
  ...uploadPaths,
  "/api/realtime": { get: streamOperation, post: subscribeOperation },
  "/ws/realtime": { get: socketOperation },
  "/api/batch": { post: batchOperation },
  "/api/health": {
    get: {
      operationId: "health",
      summary: "Whether PocketBase is well",
      tags: [OWN_TAGS.health],
      responses: {
        "200": jsonAnswer(
          "It is.",
          objectOf({ code: { type: "integer" }, message: TEXT, data: { type: "object" } }),
        ),
        ...refusals("503"),
      },
    },
  },
  ...sessionPaths,
});
