// Hapta's own session routes as the description shows them: the same in every app.
import { type JsonSchema, objectOf, schemaRef } from "./jsonSchema.ts";
import { emptyAnswer, jsonAnswer, OWN_TAGS, type Paths, pathParameter } from "./operation.ts";
import { refusals } from "./refusals.ts";

const TEXT: JsonSchema = { type: "string" };
const TIME: JsonSchema = { type: "string", format: "date-time" };

const SESSION_NAME = "own-session";

/** The schemas that {@link sessionPaths} refer to; no collection can have such a name. */
export const SESSION_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  [SESSION_NAME]: {
    ...objectOf({
      id: TEXT,
      current: { type: "boolean", description: "The session of this very token." },
      label: { type: "string", description: "Such as `Firefox on Windows`." },
      ip: TEXT,
      created: TIME,
      lastSeen: TIME,
    }),
    title: "Session",
  },
};

/** Listing and ending one's own sessions. */
export const sessionPaths: Paths = {
  "/auth/sessions": {
    get: {
      operationId: "listSessions",
      summary: "One's own sessions",
      tags: [OWN_TAGS.sessions],
      responses: {
        "200": jsonAnswer("Every device that is logged in.", {
          type: "array",
          items: schemaRef(SESSION_NAME),
        }),
        ...refusals("401", "429", "503"),
      },
    },
    delete: {
      operationId: "endOtherSessions",
      summary: "End every session but this one",
      tags: [OWN_TAGS.sessions],
      responses: { "204": emptyAnswer("Ended."), ...refusals("401", "429", "503") },
    },
  },
  "/auth/sessions/{id}": {
    delete: {
      operationId: "endSession",
      summary: "End one session",
      tags: [OWN_TAGS.sessions],
      parameters: [pathParameter("id", "The id of the session.")],
      responses: { "204": emptyAnswer("Ended."), ...refusals("401", "404", "429", "503") },
    },
  },
  "/auth/logout": {
    post: {
      operationId: "logOut",
      summary: "End this session",
      tags: [OWN_TAGS.sessions],
      responses: { "204": emptyAnswer("Ended."), ...refusals("401", "429", "503") },
    },
  },
  "/auth/verify": {
    get: {
      operationId: "verifyToken",
      summary: "Whether the token counts",
      tags: [OWN_TAGS.sessions],
      responses: {
        "200": jsonAnswer(
          "It does.",
          objectOf({ record: objectOf({ id: TEXT, collectionId: TEXT }), session: TEXT }),
        ),
        ...refusals("401", "429", "503"),
      },
    },
  },
};
