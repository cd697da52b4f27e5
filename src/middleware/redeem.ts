// The OAuth2 stage: a provider's code is redeemed only in the flow it belongs to, and once. Looks at two paths of
// PocketBase's API and lets everything else pass; the exchange itself is PocketBase's.
import { readStructMembers } from "../bodies/structMembers.ts";
import { Refusal } from "../errors.ts";
import type { Exchange, Stage } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { multipartCodec } from "../multipart/codec.ts";
import { type TakeOnce, useCode } from "../oauth/usedCodes.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";
import { isRedirectUrl } from "../utils/redirectUrl.ts";
import { refuseUnavailable } from "./identify.ts";

const NOTHING = new Uint8Array(0);

/** The texts of an `auth-with-oauth2` body; "" for what is absent or no text. */
interface Redemption {
  readonly provider: string;
  readonly code: string;
  readonly verifier: string;
  readonly redirectUrl: string;
}

export const createRedeem = ({ collections, oauth, sessions, settings, hub }: Services): Stage => {
  const { redirectUrls, verifiers } = settings.oauth2;
  const listed = new Set(redirectUrls);
  const takeOnce: TakeOnce = (name, expMs) => sessions.takeOnce(name, expMs);

  const isRedirectAllowed = (url: string, host: string | undefined): boolean => {
    // The provider compares it with the one of the authorization; PocketBase sends an absent one on as its own.
    if (url === "") return true;
    if (!isRedirectUrl(url)) return false;
    if (listed.size === 0 || listed.has(url)) return true;
    return url === `https://${host}/api/oauth2-redirect` || url === `http://${host}/api/oauth2-redirect`;
  };

  const checkVerifier = async (exchange: Exchange, cid: string, redemption: Redemption): Promise<void> => {
    if (verifiers === "any" || oauth.verifiers.isOurs(redemption.verifier, { cid, ...redemption })) return;
    // What PocketBase refuses before it talks to a provider gets PocketBase's own refusal.
    const offered = await oauth.providersOf(cid, exchange.client.address);
    if (offered === undefined) throw new Refusal("upstream_unreachable");
    if (offered.some(({ name }) => name === redemption.provider)) throw new Refusal("oauth_verifier_invalid");
  };

  const redeem = async (exchange: Exchange): Promise<undefined> => {
    const cid = collections.find(exchange.route.collection ?? "")?.id;
    const redemption = redemptionOf(exchange);
    // Unknown collections and incomplete bodies are PocketBase's to refuse.
    if (cid === undefined || redemption.provider === "" || redemption.code === "") return undefined;
    await checkVerifier(exchange, cid, redemption).catch(refuseUnavailable);
    if (!isRedirectAllowed(redemption.redirectUrl, exchange.host))
      throw new Refusal("oauth_redirect_invalid");
    const isFresh = await useCode(takeOnce, redemption).catch(refuseUnavailable);
    if (!isFresh) throw new Refusal("oauth_code_used");
    return undefined;
  };

  // The state of the SDK's popup flow is the id of the realtime stream that waits: only its own client may answer it.
  // PocketBase knows the wait under another name.
  const checkState = (exchange: Exchange): Answer | undefined => {
    const given = stateIn(exchange);
    const awaited = hub.logins.find(given);
    if (awaited === undefined) return undefined;
    if (awaited.address === exchange.client.address) return nameState(exchange, given, awaited.state);
    const headers = ["Location", "../_/#/auth/oauth2-redirect-failure"];
    return { status: exchange.method === "POST" ? 303 : 307, headers, body: NOTHING };
  };

  return (exchange) => {
    const { operation } = exchange.route;
    if (operation === "oauth2-redirect") return checkState(exchange);
    return operation === "auth-with-oauth2" && exchange.method === "POST" ? redeem(exchange) : undefined;
  };
};

const contentTypeOf = ({ headers }: Exchange): string => headerValue(headers, "content-type") ?? "";

// As PocketBase's decoder takes them; `admit` has made sure that each is there once.
const membersOf = (exchange: Exchange): ReadonlyMap<string, unknown> | undefined => {
  const { body } = exchange;
  if (body.kind !== "bytes") return undefined;
  return readStructMembers(body.bytes, contentTypeOf(exchange), multipartCodec);
};

const redemptionOf = (exchange: Exchange): Redemption => {
  const members = membersOf(exchange);
  // A form would be read by rules of its own; no SDK sends one here.
  if (members !== undefined && !contentTypeOf(exchange).startsWith("application/json"))
    throw new Refusal("media_type_unsupported");
  const text = (name: string): string => {
    const value = members?.get(name);
    return typeof value === "string" ? value : "";
  };
  return {
    provider: text("provider"),
    code: text("code"),
    verifier: text("codeverifier"),
    redirectUrl: text("redirecturl"),
  };
};

/** Names of streams are alike in length and letters, so one takes the other's place in every kind of body. */
const nameState = (exchange: Exchange, given: string, state: string): undefined => {
  const { body } = exchange;
  exchange.query = withState(exchange.query, state);
  if (body.kind !== "bytes") return;
  const text = Buffer.from(body.bytes).toString("latin1").replaceAll(given, state);
  exchange.body = { kind: "bytes", bytes: Buffer.from(text, "latin1") };
};

const withState = (text: string, state: string): string => {
  const parameters = new URLSearchParams(text);
  if (!parameters.has("state")) return text;
  parameters.set("state", state);
  return parameters.toString();
};

// From the query, and for providers that post their answer (Apple: a form) from the body, in each form that PocketBase takes.
const stateIn = (exchange: Exchange): string => {
  const state = membersOf(exchange)?.get("state") ?? new URLSearchParams(exchange.query).get("state");
  return typeof state === "string" ? state : "";
};
