// A certified OpenID provider (npm oidc-provider) for the tests: PKCE required, `iss` in its answers, one confidential
// client, accounts made up from whatever name signs in.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { exportJWK, generateKeyPair } from "jose";
import Provider, { type Configuration, type Interaction } from "oidc-provider";

export const CLIENT = { id: "hapta-tests", secret: "a secret of the tests, long enough" } as const;

/** A running provider. */
export interface OpenIdProvider extends AsyncDisposable {
  /** Its issuer, without a trailing slash. */
  readonly url: string;
  /** `METHOD /path` of every request it got, in order. */
  readonly requests: readonly string[];
}

/** Where it may send browsers back to, and whether it asks for a name (else it takes `sub` below at once). */
export interface OpenIdProviderOptions {
  readonly redirectUris: readonly string[];
  /** Signs in and consents by itself as this account; absent: shows its forms. */
  readonly sub?: () => string;
  /** Answers `access_denied` instead of signing in. */
  readonly denies?: () => boolean;
}

const CLAIMS = { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] };

const configure = async (options: OpenIdProviderOptions): Promise<Configuration> => {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  return {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [...options.redirectUris],
        token_endpoint_auth_method: "client_secret_basic",
      },
    ],
    claims: CLAIMS,
    cookies: { keys: ["cookie key of the tests"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: options.sub === undefined } },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "RS256", use: "sig", kid: "tests" }] },
    conformIdTokenClaims: false,
    findAccount: (_: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ sub, email: `${sub}@example.com`, email_verified: true, name: `Name of ${sub}` }),
    }),
  };
};

/** Signs in and grants everything that is asked for, without showing a form. */
const settle = async (
  provider: Provider,
  {
    request,
    response,
    options,
  }: { request: IncomingMessage; response: ServerResponse; options: OpenIdProviderOptions },
): Promise<void> => {
  if (options.denies?.() === true) {
    await provider.interactionFinished(request, response, { error: "access_denied" });
    return;
  }
  const details: Interaction = await provider.interactionDetails(request, response);
  const accountId = details.session?.accountId ?? options.sub?.() ?? "nobody";
  if (details.prompt.name === "login") {
    await provider.interactionFinished(request, response, { login: { accountId, remember: false } });
    return;
  }
  const grant = new provider.Grant({ accountId, clientId: CLIENT.id });
  grant.addOIDCScope("openid email profile");
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
};

/** Starts one on a free port of 127.0.0.1. */
export const startOpenIdProvider = async (options: OpenIdProviderOptions): Promise<OpenIdProvider> => {
  const requests: string[] = [];
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url?.split("?")[0]}`);
    handle(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the provider has no port");
  const url = `http://127.0.0.1:${address.port}`;
  const provider = new Provider(url, await configure(options));
  const callback = provider.callback();
  handle = (request, response) => {
    if (options.sub !== undefined && request.url?.startsWith("/interaction/") === true)
      settle(provider, { request, response, options }).catch((error) => response.destroy(error));
    else void callback(request, response);
  };
  return {
    url,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
