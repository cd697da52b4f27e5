// Operations of the description and the pieces they share: parameters, bodies, refusals.
import { ERROR_HEADER } from "../errors.ts";
import { type JsonSchema, schemaRef } from "./jsonSchema.ts";

/** A parameter, written out or by reference. */
export type Parameter =
  | { readonly $ref: string }
  | {
      readonly name: string;
      readonly in: "path" | "query" | "header";
      readonly required?: boolean;
      readonly description?: string;
      readonly schema: JsonSchema;
    };

/** A response, written out or by reference. */
export type Response =
  | { readonly $ref: string }
  | {
      readonly description: string;
      readonly headers?: Readonly<Record<string, unknown>>;
      readonly content?: Readonly<
        Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>
      >;
    };

/** One operation of OpenAPI 3.1. */
export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>>;
  };
  readonly responses: Readonly<Record<string, Response>>;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}

/** The operations of one path by method, lower case. */
export type PathItem = Readonly<
  Partial<Record<"get" | "head" | "options" | "post" | "patch" | "put" | "delete", Operation>>
>;

/** Paths of the document. */
export type Paths = Record<string, PathItem>;

/** A reference to a shared parameter. */
export const parameterRef = (name: string): Parameter => ({ $ref: `#/components/parameters/${name}` });

/** A path parameter. */
export const pathParameter = (name: string, description: string): Parameter => ({
  name,
  in: "path",
  required: true,
  description,
  schema: { type: "string" },
});

/** A body of one media type. */
export const jsonBody = (schema: JsonSchema): NonNullable<Operation["requestBody"]> => ({
  required: true,
  content: { "application/json": { schema } },
});

/** An answer with a JSON body. */
export const jsonAnswer = (description: string, schema: JsonSchema): Response => ({
  description,
  content: { "application/json": { schema } },
});

/** An answer without a body. */
export const emptyAnswer = (description: string): Response => ({ description });

/** Refusals in PocketBase's error shape, by status; each is a shared response. */
export const refusals = (...statuses: readonly RefusalStatus[]): Record<string, Response> =>
  Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/${REFUSALS[status].name}` }]),
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
} as const;

const exampleOf = (status: string, message: string) => ({
  data: status === "400" ? { title: { code: "validation_required", message: "Cannot be blank." } } : {},
  message,
  status: Number(status),
});

/** The error every refusal carries. */
export const ERROR_SCHEMA: JsonSchema = {
  type: "object",
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

/** The shared responses of the document. */
export const refusalResponses = (): Record<string, Response> =>
  Object.fromEntries(
    Object.entries(REFUSALS).map(([status, { name, text, message }]) => [
      name,
      {
        description: text,
        headers: {
          [ERROR_HEADER]: {
            description: "A stable code, when Hapta itself refuses.",
            schema: { type: "string" },
          },
          ...(status === "429" ? { "Retry-After": { schema: { type: "integer" } } } : {}),
        },
        content: {
          "application/json": { schema: schemaRef("Error"), example: exampleOf(status, message) },
        },
      },
    ]),
  );
