// How the description says that a call was refused: the error, its codes, and the responses that operations share.
import { ERROR_HEADER, ERRORS } from "../errors.ts";
import { type JsonSchema, schemaRef } from "./jsonSchema.ts";
import type { Response } from "./operation.ts";

/** Refusals in PocketBase's error shape, by status, and any other as `default`; each is a shared response. */
export const refusals = (...statuses: readonly RefusalStatus[]): Record<string, Response> =>
  Object.fromEntries(
    [...statuses, "default" as const].map((status) => [
      status,
      { $ref: `#/components/responses/${REFUSALS[status].name}` },
    ]),
  );

type RefusalStatus = keyof typeof REFUSALS;

/** Every shared refusal: the name of its response, its sentence, and a message that it may carry. */
export const REFUSALS = {
  "400": {
    name: "BadRequest",
    text: "The input is not accepted; `data` names the fields.",
    message: "Failed to create record.",
  },
  "401": {
    name: "Unauthorized",
    text: "The token does not count, or there is none.",
    message: "The request requires valid record authorization token.",
  },
  "403": {
    name: "Forbidden",
    text: "Not allowed for this caller.",
    message: "Only superusers can perform this action.",
  },
  "404": {
    name: "NotFound",
    text: "Not there, or not for this caller.",
    message: "The requested resource wasn't found.",
  },
  "413": {
    name: "TooLarge",
    text: "The body is larger than allowed.",
    message: "Request entity too large.",
  },
  "429": {
    name: "TooManyRequests",
    text: "Too many requests; `Retry-After` says when to come back.",
    message: "Too many requests.",
  },
  "503": {
    name: "Unavailable",
    text: "PocketBase cannot be asked right now.",
    message: "The server is busy. Please try again shortly.",
  },
  default: {
    name: "Refused",
    text: "Something is wrong with the HTTP of the request, or with the server.",
    message: "The upstream server didn't answer in time.",
  },
} as const;

const exampleOf = (status: string, message: string) => ({
  data: status === "400" ? { title: { code: "validation_required", message: "Cannot be blank." } } : {},
  message,
  status: Number(status) || 504,
});

/** No collection can have such a name. */
export const ERROR_SCHEMA_NAME = "error-answer";

/** The error every refusal carries. */
export const ERROR_SCHEMA: JsonSchema = {
  type: "object",
  title: "Error",
  properties: {
    status: { type: "integer" },
    message: { type: "string" },
    data: {
      type: "object",
      description: "Details by field.",
      additionalProperties: true,
    },
  },
  required: ["status", "message", "data"],
};

/** The codes of Hapta's own refusals with a status; with a status that has no shared response for `default`. */
const codesOf = (status: string): string[] =>
  Object.entries(ERRORS)
    .filter(([, row]) => (status === "default" ? !(row.status in REFUSALS) : String(row.status) === status))
    .map(([code]) => code)
    .sort();

/** A refusal with a status. @param schema - The error, when absent. */
export const refusal = (
  status: string,
  description: string,
  schema: JsonSchema = schemaRef(ERROR_SCHEMA_NAME),
): Exclude<Response, { readonly $ref: string }> => ({
  description,
  headers: {
    [ERROR_HEADER]: {
      description: "A stable code, when Hapta itself refuses.",
      schema: { type: "string", enum: codesOf(status) },
    },
    ...(status === "429" ? { "Retry-After": { schema: { type: "integer" } } } : {}),
  },
  content: { "application/json": { schema } },
});

/** The shared responses of the document. */
export const refusalResponses = (): Record<string, Response> =>
  Object.fromEntries(
    Object.entries(REFUSALS).map(([status, { name, text, message }]) => {
      const schema = schemaRef(ERROR_SCHEMA_NAME);
      const content = { "application/json": { schema, example: exampleOf(status, message) } };
      return [name, { ...refusal(status, text), content }];
    }),
  );
