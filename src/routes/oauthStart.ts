// The start of a login that Hapta runs itself: state, verifier and nonce are made and kept here, and the browser goes
// to the provider. Does not see the provider's answer.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { type AppEnd, authorizationUrlOf, type Flow, type FlowEnd } from "../oauth/flow.ts";
import { isChallenge, newSecret } from "../oauth/pkce.ts";
import type { Services } from "../services.ts";
import { type Params, paramsOf, publicBaseOf, redirectTo, tieBrowser } from "./oauthRequest.ts";

/** Time for choosing an account, a password and a second factor at the provider. */
const FLOW_MS = 600_000;
const APP_STATE_MAX = 512;

/** What is to be begun. */
export interface Beginning {
  /** Name or id of the auth collection. */
  readonly collection: string;
  readonly provider: string;
  readonly end: FlowEnd;
  readonly link?: string | undefined;
}

/** Where the browser goes, and the cookie that ties the login to it. */
export interface Begun {
  readonly location: string;
  readonly setCookie: string;
}

/** @throws Refusal `oauth_provider_unknown`, `upstream_unreachable`, `upstream_invalid`; OAuthBusy */
export type BeginLogin = (exchange: Exchange, beginning: Beginning) => Promise<Begun>;

export const createBeginLogin = (services: Services): BeginLogin => {
  const { collections, oauth } = services;
  return async (exchange, { collection, provider, end, link }) => {
    const cid = collections.find(collection)?.id;
    if (cid === undefined) throw new Refusal("oauth_provider_unknown");
    const offered = await oauth.providersOf(cid, exchange.client.address);
    if (offered === undefined) throw new Refusal("upstream_unreachable");
    const found = offered.find(({ name }) => name === provider);
    if (found === undefined) throw new Refusal("oauth_provider_unknown");
    const base = publicBaseOf(exchange, services);
    const [state, verifier, nonce] = [newSecret(), newSecret(), newSecret()];
    const callbackUrl = `${base}/auth/oauth2/callback`;
    const location = authorizationUrlOf(found, { state, verifier, nonce, callbackUrl });
    if (location === undefined) throw new Refusal("upstream_invalid");
    const { hash, setCookie } = tieBrowser(exchange, base);
    const authOrigin = new URL(location).origin;
    const flow: Flow = { cid, provider, authOrigin, verifier, nonce, callbackUrl, browser: hash, end, link };
    oauth.slips.put("flow", state, { value: flow, ttlMs: FLOW_MS, owner: exchange.client.block });
    return { location, setCookie };
  };
};

/**
 * Reads where a login shall end from `redirect`, `challenge`, `state` and `mode`.
 *
 * @throws Refusal `oauth_redirect_invalid` for a place that is not listed, `oauth_request_invalid` for the rest; an
 * app's own scheme needs a challenge, because another app may have claimed it too (RFC 8252 section 8.1).
 */
export const endOf = (param: Params, { settings }: Services): AppEnd => {
  const redirect = param("redirect") ?? "";
  if (!settings.oauth2.redirectUrls.includes(redirect)) throw new Refusal("oauth_redirect_invalid");
  const [challenge, state, mode = "code"] = [param("challenge"), param("state"), param("mode")];
  const isWeb = /^https?:/.test(redirect);
  const isValid =
    (challenge === undefined ? isWeb : isChallenge(challenge)) &&
    (state ?? "").length <= APP_STATE_MAX &&
    (mode === "code" || (mode === "cookie" && isWeb && settings.security.cookies.isEnabled));
  if (!isValid) throw new Refusal("oauth_request_invalid");
  return { kind: mode === "cookie" ? "cookie" : "code", redirect, challenge, state };
};

/** `GET /auth/oauth2/{collection}/{provider}?redirect=...`: sends the browser to the provider. */
export const createStartRoute = (
  services: Services,
  begin: BeginLogin,
): ((exchange: Exchange, place: readonly [string, string]) => Promise<Answer>) => {
  return async (exchange, [collection, provider]) => {
    const end = endOf(paramsOf(exchange.query), services);
    const { location, setCookie } = await begin(exchange, { collection, provider, end });
    return redirectTo(location, ["Set-Cookie", setCookie]);
  };
};
