// Hapta's own OAuth2 routes that programs call, as the description shows them where a collection has providers. The pages
// behind them and the provider's own answer are between browsers and Hapta.
import { type JsonSchema, objectOf, schemaRef } from "./jsonSchema.ts";
import {
  jsonAnswer,
  jsonBody,
  type Operation,
  OWN_TAGS,
  type Parameter,
  type Paths,
  type Response,
} from "./operation.ts";
import { ERROR_SCHEMA_NAME, refusal, refusals } from "./refusals.ts";

const TEXT: JsonSchema = { type: "string" };

const collections = (names: readonly string[]): JsonSchema => ({ type: "string", enum: names });

/** Where a login ends: parameters of its start, members of a link's body. */
const END: Readonly<Record<string, JsonSchema>> = {
  redirect: { type: "string", description: "One of `OAuth2.RedirectURLs`, to the letter." },
  challenge: {
    type: "string",
    description: "base64url SHA-256 of a random verifier; required for app schemes.",
  },
  state: { type: "string", maxLength: 512, description: "Handed back." },
  mode: { type: "string", enum: ["code", "cookie"], default: "code" },
};
const endParameters = Object.entries(END).map(
  ([name, schema]): Parameter => ({ name, in: "query", required: name === "redirect", schema }),
);

/** A login of any of the collections, or the question for a second method. */
const loginAnswers = (logins: readonly string[]): Record<string, Response> => ({
  "200": jsonAnswer("The session.", { anyOf: logins.map(schemaRef) }),
  "401": refusal("401", "A second method is asked for, or the request is not signed as its app must.", {
    anyOf: [schemaRef(ERROR_SCHEMA_NAME), objectOf({ mfaId: TEXT })],
  }),
});

const startOperation = (names: readonly string[]): Operation => ({
  operationId: "startOAuth2",
  summary: "Send a browser to a provider",
  description: "Ends at `redirect` with `code` and `state`, or with `error`.",
  tags: [OWN_TAGS.oauth2],
  parameters: [
    { name: "collection", in: "path", required: true, schema: collections(names) },
    { name: "provider", in: "path", required: true, schema: TEXT },
    ...endParameters,
  ],
  responses: {
    "303": { description: "To the provider.", headers: { Location: { schema: TEXT } } },
    ...refusals("400", "404", "429", "503"),
  },
});

const tokenOperation = (logins: readonly string[]): Operation => ({
  operationId: "exchangeOAuth2Code",
  summary: "A one-time code, or a device's, for a session",
  description: "`code` with the `verifier` of its challenge; or `device_code`, every five seconds.",
  tags: [OWN_TAGS.oauth2],
  requestBody: jsonBody(
    objectOf({ code: TEXT, verifier: TEXT, device_code: TEXT }, ["code", "verifier", "device_code"]),
  ),
  responses: { ...refusals("400", "413", "429", "503"), ...loginAnswers(logins) },
});

const linkOperation: Operation = {
  operationId: "linkOAuth2",
  summary: "A page that links a provider to one's account",
  description: "The URL is good for two minutes and one yes; it ends as a login does.",
  tags: [OWN_TAGS.oauth2],
  requestBody: jsonBody(objectOf({ provider: TEXT, ...END }, ["challenge", "state", "mode"])),
  responses: {
    "200": jsonAnswer("What to open in a browser.", objectOf({ url: TEXT })),
    ...refusals("400", "401", "404", "413", "429", "503"),
  },
};

const deviceOperation = (names: readonly string[]): Operation => ({
  operationId: "askForDevice",
  summary: "A code that lets in a device without a browser",
  description: "The device shows the code and the address, somebody opens it on a phone and logs in there.",
  tags: [OWN_TAGS.oauth2],
  requestBody: jsonBody(
    objectOf({ collection: collections(names), provider: TEXT, label: TEXT }, ["provider", "label"]),
  ),
  responses: {
    "200": jsonAnswer(
      "The codes.",
      objectOf({
        device_code: TEXT,
        user_code: TEXT,
        verification_uri: TEXT,
        verification_uri_complete: TEXT,
        expires_in: { type: "integer", description: "Seconds." },
        interval: { type: "integer", description: "Seconds between two calls of the exchange." },
      }),
    ),
    ...refusals("400", "404", "413", "429", "503"),
  },
});

const eventsOperation: Operation = {
  operationId: "followDevice",
  summary: "How a device's login goes on",
  description:
    "Server-sent events: `status`, then one of `login`, `mfa` and `failed`. The device code is the Bearer token.",
  tags: [OWN_TAGS.oauth2],
  responses: {
    "200": { description: "The stream.", content: { "text/event-stream": { schema: TEXT } } },
    ...refusals("400", "429", "503"),
  },
};

/** The OAuth2 routes for the collections that have providers; none when no collection has. */
export const oauthPaths = (
  open: readonly { readonly name: string; readonly login: string }[],
  hasDeviceLogin: boolean,
): Paths => {
  const [names, logins] = [open.map(({ name }) => name), open.map(({ login }) => login)];
  if (names.length === 0) return {};
  const root = "/auth/oauth2";
  const devices: Paths = {
    [`${root}/device`]: { post: deviceOperation(names) },
    [`${root}/events`]: { get: eventsOperation },
  };
  return {
    [`${root}/{collection}/{provider}`]: { get: startOperation(names) },
    [`${root}/token`]: { post: tokenOperation(logins) },
    [`${root}/link`]: { post: linkOperation },
    ...(hasDeviceLogin ? devices : {}),
  };
};
