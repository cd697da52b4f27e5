// An identity provider that lies, stalls and floods, with switches. Claims nothing about real ones.
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { CLIENT } from "./provider.ts";

/** What its token endpoint hands out as `id_token`. */
export type IdTokenTrick =
  | "honest"
  | "alg none"
  | "alg HS256 with the public key"
  | "another key"
  | "another audience"
  | "another issuer"
  | "expired"
  | "no subject"
  | "another nonce";

/** How its token endpoint behaves. */
export type Behaviour =
  | "answers"
  | "stalls"
  | "drips"
  | "floods"
  | "loops"
  | "leads to loopback"
  | "says no"
  | "talks nonsense";

export interface HostileProvider extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly string[];
  trick: IdTokenTrick;
  behaviour: Behaviour;
  /** The `iss` of its authorization answers. */
  iss: string | undefined;
  sub: string;
  verified: boolean;
  /** The nonce of the last authorization. */
  nonce: string;
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

const sign = async (
  state: HostileProvider,
  keys: { own: CryptoKey; other: CryptoKey; publicText: string },
): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  const { trick } = state;
  const claims = {
    iss: trick === "another issuer" ? "https://accounts.example.com" : state.url,
    aud: trick === "another audience" ? "somebody else" : CLIENT.id,
    exp: trick === "expired" ? now - 3600 : now + 3600,
    iat: now,
    nonce: trick === "another nonce" ? "of another login" : state.nonce,
    email: `${state.sub}@example.com`,
    email_verified: state.verified,
    ...(trick === "no subject" ? {} : { sub: state.sub }),
  };
  if (trick === "alg none") return `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.`;
  if (trick === "alg HS256 with the public key") {
    const head = `${part({ alg: "HS256", typ: "JWT", kid: "own" })}.${part(claims)}`;
    return `${head}.${createHmac("sha256", keys.publicText).update(head).digest("base64url")}`;
  }
  const key = trick === "another key" ? keys.other : keys.own;
  return await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "own" }).sign(key);
};

const misbehave = (behaviour: Behaviour, response: ServerResponse, url: string): void => {
  response.setHeader("Content-Type", "application/json");
  if (behaviour === "loops") response.writeHead(307, { Location: `${url}/token` }).end();
  if (behaviour === "leads to loopback")
    response.writeHead(307, { Location: "http://127.0.0.1:1/latest/meta-data" }).end();
  if (behaviour === "says no") response.writeHead(400).end('{"error":"invalid_grant"}');
  if (behaviour === "talks nonsense") response.end("<html>not json</html>");
  if (behaviour === "floods")
    response.end(`{"access_token":"${"a".repeat(12_000_000)}","token_type":"bearer"}`);
  if (behaviour === "drips") {
    const timer = setInterval(() => response.write(" "), 200);
    response.on("close", () => clearInterval(timer));
  }
};

/** Starts one on a free port of 127.0.0.1. It signs everybody in at once. */
export const startHostileProvider = async (): Promise<HostileProvider> => {
  const [own, other] = [
    await generateKeyPair("RS256", { extractable: true }),
    await generateKeyPair("RS256"),
  ];
  const jwk = { ...(await exportJWK(own.publicKey)), alg: "RS256", use: "sig", kid: "own" };
  const keys = { own: own.privateKey, other: other.privateKey, publicText: JSON.stringify(jwk) };
  const requests: string[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", state.url);
    requests.push(`${request.method} ${url.pathname}`);
    const json = (value: unknown): void => {
      response.setHeader("Content-Type", "application/json").end(JSON.stringify(value));
    };
    if (url.pathname === "/jwks") return json({ keys: [jwk] });
    if (url.pathname === "/me") return json({ sub: `not ${state.sub}`, email: `${state.sub}@example.com` });
    if (url.pathname === "/auth") {
      state.nonce = url.searchParams.get("nonce") ?? "";
      const back = new URL(url.searchParams.get("redirect_uri") ?? "");
      back.searchParams.set("code", crypto.randomUUID());
      back.searchParams.set("state", url.searchParams.get("state") ?? "");
      if (state.iss !== undefined) back.searchParams.set("iss", state.iss);
      response.writeHead(302, { Location: back.href }).end();
      return;
    }
    if (state.behaviour !== "answers") return misbehave(state.behaviour, response, state.url);
    json({ access_token: "opaque", token_type: "bearer", expires_in: 60, id_token: await sign(state, keys) });
  };
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const state: HostileProvider = {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    requests,
    trick: "honest",
    behaviour: "answers",
    iss: undefined,
    sub: "mallory",
    verified: true,
    nonce: "",
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return state;
};
