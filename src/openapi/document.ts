// The OpenAPI 3.1 description of an app, from its live collections, for one audience. Pure: asks nobody.
import type { Collection } from "../pocketbase/collection.ts";
import { type Audience, type MayPass, type VisibleCollection, visibleCollections } from "./audience.ts";
import { authPaths, loginSchema } from "./authPaths.ts";
import type { JsonSchema } from "./jsonSchema.ts";
import { ERROR_SCHEMA, type Parameter, type Paths, refusalResponses } from "./operation.ts";
import { OWN_SCHEMAS, ownPaths } from "./ownPaths.ts";
import { recordPaths } from "./recordPaths.ts";
import { recordSchemas, schemaNames } from "./recordSchemas.ts";

/** What the description is made from. */
export interface DocumentOptions {
  readonly collections: readonly Collection[];
  readonly audience: Audience;
  readonly mayPass: MayPass;
  /** Hapta's version. */
  readonly version: string;
  /** Name of the app; PocketBase's `meta.appName` or another title. */
  readonly title: string;
}

/** Builds the description. A few milliseconds for hundreds of collections: build once per schema and audience. */
export const buildDocument = ({ collections, audience, mayPass, version, title }: DocumentOptions) => {
  const visible = visibleCollections(collections, audience, mayPass);
  const paths: Paths = {};
  const schemas: Record<string, JsonSchema> = { Error: ERROR_SCHEMA, ...OWN_SCHEMAS };
  for (const one of visible) {
    Object.assign(paths, recordPaths(one), loginPaths(one, audience));
    Object.assign(schemas, recordSchemas(one));
    if (one.collection.type === "auth")
      schemas[schemaNames(one.collection).login] = loginSchema(one.collection);
  }
  return {
    openapi: "3.1.0",
    info: { title, version, description: DESCRIPTION },
    servers: [{ url: "/" }],
    security: [{}, { token: [] }],
    tags: tagsOf(paths),
    paths: { ...paths, ...ownPaths() },
    components: {
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "The `token` of any login.",
        },
      },
      parameters: PARAMETERS,
      responses: refusalResponses(),
      schemas,
    },
  };
};

const loginPaths = ({ collection }: VisibleCollection, audience: Audience): Paths =>
  authPaths(collection, audience);

const DESCRIPTION = [
  "The API of this app, as it is for whoever asked for this page: guests see what guests may call, and more",
  "after logging in. Every error has the shape `{status, message, data}`.",
].join(" ");

const tagsOf = (paths: Paths): { readonly name: string }[] => {
  const items = [paths, ownPaths()].flatMap((some) => Object.values(some));
  const names = items.flatMap((item) => Object.values(item).flatMap(({ tags }) => tags));
  return [...new Set(names)].map((name) => ({ name }));
};

const parameter = (name: string, description: string, schema: JsonSchema): Parameter => ({
  name,
  in: "query",
  description,
  schema,
});

const PARAMETERS: Readonly<Record<string, Parameter>> = {
  page: parameter("page", "The page, from 1.", { type: "integer", default: 1 }),
  perPage: parameter("perPage", "Records on a page.", { type: "integer", default: 30, maximum: 1000 }),
  sort: parameter("sort", "Fields, `-` for descending, such as `-created,title`.", { type: "string" }),
  filter: parameter("filter", "Such as `title ~ 'hello' && created > @yesterday`.", { type: "string" }),
  expand: parameter("expand", "Relations to include, such as `author,comments_via_post.author`.", {
    type: "string",
  }),
  fields: parameter("fields", "Members to answer, such as `id,title,expand.author.name`.", {
    type: "string",
  }),
  skipTotal: parameter("skipTotal", "Leave out the counting of all records.", { type: "boolean" }),
};
