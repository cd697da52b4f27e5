// The ways to log in to one auth collection, as far as its settings open them.
import type { Collection } from "../pocketbase/collection.ts";
import { type Audience, loginMethods, needsSecondMethod } from "./audience.ts";
import { type JsonSchema, objectOf, schemaRef } from "./jsonSchema.ts";
import { emptyAnswer, jsonAnswer, jsonBody, type Operation, type Paths, pathParameter } from "./operation.ts";
import { schemaNames } from "./recordSchemas.ts";
import { ERROR_SCHEMA_NAME, refusal, refusals } from "./refusals.ts";

const TEXT: JsonSchema = { type: "string" };
const PASSWORD: JsonSchema = { type: "string", format: "password" };

/** What a login answers: the token, which rolls at every refresh, and the record. */
export const loginSchema = (collection: Collection): JsonSchema =>
  objectOf(
    {
      token: { type: "string", description: "Sent as `Authorization` from now on." },
      record: schemaRef(collection.name),
      meta: { type: "object", description: "What the OAuth2 provider said.", additionalProperties: true },
    },
    ["meta"],
  );

/** Log-in, refresh, and the calls around passwords and e-mail addresses. Empty for other kinds of collections. */
export const authPaths = (collection: Collection, audience: Audience): Paths => {
  if (collection.type !== "auth") return {};
  const base = `/api/collections/${collection.name}`;
  const build = builderFor(collection);
  const post: Post = (name, call) => ({ [`${base}/${name}`]: { post: build(name, call) } });
  const open = loginMethods(collection);
  return {
    [`${base}/auth-methods`]: { get: methodsOperation(collection) },
    ...(open.has("passwordAuth") ? post("auth-with-password", withPassword) : {}),
    ...(open.has("oauth2") ? post("auth-with-oauth2", withOAuth2) : {}),
    ...(open.has("otp") ? { ...post("request-otp", requestOtp), ...post("auth-with-otp", withOtp) } : {}),
    // Superusers open sessions where nobody can log in.
    ...(open.size > 0 || audience.kind === "superuser" ? post("auth-refresh", refresh) : {}),
    ...(open.has("passwordAuth") && !isSuperusers(collection) ? passwordPaths(post) : {}),
    ...(open.size > 0 && !isSuperusers(collection) ? addressPaths(post, audience) : {}),
    ...(audience.kind === "superuser"
      ? { [`${base}/impersonate/{id}`]: { post: build("impersonate", impersonate) } }
      : {}),
  };
};

const isSuperusers = ({ name }: Collection): boolean => name === "_superusers";

type Post = (name: string, call: Call) => Paths;

/** One call: its sentence, its body, and whether it answers a login or nothing. */
interface Call {
  readonly summary: string;
  readonly body?: JsonSchema;
  readonly answer: "login" | "empty" | JsonSchema;
  readonly parameters?: Operation["parameters"];
}

const builderFor =
  (collection: Collection) =>
  (name: string, { summary, body, answer, parameters }: Call): Operation => {
    const statuses = ["400", "401", "403", "404", "413", "429", "503"] as const;
    const answered =
      answer === "empty"
        ? { "204": emptyAnswer("Done.") }
        : {
            "200": jsonAnswer(
              "As asked.",
              answer === "login" ? schemaRef(schemaNames(collection).login) : answer,
            ),
          };
    return {
      operationId: `${collection.name}_${name.replaceAll("-", "_")}`,
      summary,
      tags: [`${collection.name}-login`],
      ...(parameters === undefined ? {} : { parameters }),
      ...(body === undefined ? {} : { requestBody: jsonBody(body) }),
      responses: {
        ...answered,
        ...refusals(...statuses),
        ...(answer === "login" && needsSecondMethod(collection) ? { "401": SECOND_METHOD } : {}),
      },
    };
  };

const SECOND_METHOD = refusal("401", "The token does not count, or a second method is asked for.", {
  anyOf: [schemaRef(ERROR_SCHEMA_NAME), objectOf({ mfaId: TEXT })],
});

const MFA = { mfaId: { type: "string", description: "From the 401 of the first of two methods." } } as const;

const withPassword: Call = {
  summary: "Log in with a password",
  body: objectOf({ identity: TEXT, password: PASSWORD, identityField: TEXT, ...MFA }, [
    "identityField",
    "mfaId",
  ]),
  answer: "login",
};
const withOAuth2: Call = {
  summary: "Log in with the code of an OAuth2 provider",
  body: objectOf(
    {
      provider: TEXT,
      code: TEXT,
      codeVerifier: TEXT,
      redirectURL: TEXT,
      createData: { type: "object", additionalProperties: true },
      ...MFA,
    },
    ["createData", "mfaId"],
  ),
  answer: "login",
};
const requestOtp: Call = {
  summary: "Have a one-time password mailed",
  body: objectOf({ email: TEXT }),
  answer: objectOf({ otpId: TEXT }),
};
const withOtp: Call = {
  summary: "Log in with a one-time password",
  body: objectOf({ otpId: TEXT, password: PASSWORD, ...MFA }, ["mfaId"]),
  answer: "login",
};
const refresh: Call = { summary: "Roll the token", answer: "login" };
const impersonate: Call = {
  summary: "Open a session in somebody's name",
  body: objectOf({ duration: { type: "integer", description: "Seconds; 0 is the collection's own." } }, [
    "duration",
  ]),
  answer: "login",
  parameters: [pathParameter("id", "The id of the record.")],
};

const passwordPaths = (post: Post): Paths => ({
  ...post("request-password-reset", {
    summary: "Have a link mailed that sets a new password",
    body: objectOf({ email: TEXT }),
    answer: "empty",
  }),
  ...post("confirm-password-reset", {
    summary: "Set a new password; every session ends",
    body: objectOf({ token: TEXT, password: PASSWORD, passwordConfirm: PASSWORD }),
    answer: "empty",
  }),
});

const addressPaths = (post: Post, audience: Audience): Paths => ({
  ...post("request-verification", {
    summary: "Have a link mailed that verifies an address",
    body: objectOf({ email: TEXT }),
    answer: "empty",
  }),
  ...post("confirm-verification", {
    summary: "Verify an address",
    body: objectOf({ token: TEXT }),
    answer: "empty",
  }),
  ...(audience.kind === "guest"
    ? {}
    : post("request-email-change", {
        summary: "Have a link mailed that changes one's address",
        body: objectOf({ newEmail: TEXT }),
        answer: "empty",
      })),
  ...post("confirm-email-change", {
    summary: "Change the address; every session ends",
    body: objectOf({ token: TEXT, password: PASSWORD }),
    answer: "empty",
  }),
});

const methodsOperation = (collection: Collection): Operation => ({
  operationId: `${collection.name}_auth_methods`,
  summary: "How to log in",
  tags: [`${collection.name}-login`],
  responses: {
    "200": jsonAnswer("What is open.", { type: "object", additionalProperties: true }),
    ...refusals("404", "429", "503"),
  },
});
