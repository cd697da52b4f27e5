// The OpenAPI 3.1 description of an app, from its live collections, for one audience. Pure: asks nobody.
import type { Collection } from "../pocketbase/collection.ts";
import {
  type Audience,
  loginMethods,
  type MayPass,
  type VisibleCollection,
  visibleCollections,
} from "./audience.ts";
import { authPaths, loginSchema } from "./authPaths.ts";
import type { JsonSchema } from "./jsonSchema.ts";
import { oauthPaths } from "./oauthPaths.ts";
import type { Parameter, Paths } from "./operation.ts";
import { ownPaths } from "./ownPaths.ts";
import { recordPaths } from "./recordPaths.ts";
import { recordSchemas, schemaNames } from "./recordSchemas.ts";
import { ERROR_SCHEMA, ERROR_SCHEMA_NAME, refusalResponses } from "./refusals.ts";
import { SESSION_SCHEMAS } from "./sessionPaths.ts";
import { superuserPaths } from "./superuserPaths.ts";

/** What the description is made from. */
export interface DocumentOptions {
  readonly collections: readonly Collection[];
  readonly audience: Audience;
  readonly mayPass: MayPass;
  /** Hapta's version. */
  readonly version: string;
  readonly title: string;
  /** Whether devices without a browser may ask to be logged in. */
  readonly hasDeviceLogin: boolean;
}

/** Builds the description. A few milliseconds for hundreds of collections: build once per schema and audience. */
export const buildDocument = (options: DocumentOptions) => {
  const { collections, audience, mayPass, version, title, hasDeviceLogin } = options;
  const visible = visibleCollections(collections, audience, mayPass);
  const paths: Paths = {};
  for (const one of visible) Object.assign(paths, recordPaths(one), authPaths(one.collection, audience));
  Object.assign(paths, oauthPaths(withProviders(visible), hasDeviceLogin), ownPaths());
  if (audience.kind === "superuser") Object.assign(paths, superuserPaths);
  return {
    openapi: "3.1.0",
    info: { title, version, description: DESCRIPTION },
    servers: [{ url: "/" }],
    security: [{}, { token: [] }],
    tags: tagsOf(paths),
    paths,
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
      schemas: Object.fromEntries([
        [ERROR_SCHEMA_NAME, ERROR_SCHEMA],
        ...Object.entries(SESSION_SCHEMAS),
        ...visible.flatMap(schemasOf),
      ]),
    },
  };
};

const schemasOf = (visible: VisibleCollection): [name: string, schema: JsonSchema][] => {
  const { collection } = visible;
  const login = collection.type === "auth" ? [loginSchema(collection)] : [];
  return [
    ...recordSchemas(visible),
    ...login.map((schema): [string, JsonSchema] => [schemaNames(collection).login, schema]),
  ];
};

const withProviders = (visible: readonly VisibleCollection[]) =>
  visible
    .filter(({ collection }) => loginMethods(collection).has("oauth2"))
    .map(({ collection }) => ({ name: collection.name, login: schemaNames(collection).login }));

const DESCRIPTION = [
  "The API of this app, as it is for whoever asked for this page: guests see what guests may call, and more",
  "after logging in. Every error has the shape `{status, message, data}`.",
].join(" ");

const tagsOf = (paths: Paths): { readonly name: string }[] => {
  const names = Object.values(paths).flatMap((item) => Object.values(item).flatMap(({ tags }) => tags));
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
