// Operations of the description and the pieces they share: parameters, bodies, answers.
import type { JsonSchema } from "./jsonSchema.ts";

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
  /** Of a collection's operations `collection_operation`; others have no underscore, so that no two are the same. */
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

/** Headings of what is Hapta's own or the same in every app. They have a blank, which no collection's name has. */
export const OWN_TAGS = {
  files: "Files and uploads",
  realtime: "Realtime events",
  batch: "Batch writes",
  sessions: "Own sessions",
  oauth2: "OAuth2 logins",
  health: "Server health",
  superusers: "Superusers' own",
} as const;

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
