// One login under way, as a value: what was promised at its start, and what must hold when the provider answers.
// Stores nothing and talks to nobody.
import { challengeIn, type OfferedProvider } from "./authMethods.ts";
import { sha256 } from "./pkce.ts";

/** A login that ends in an app: with a code on a URL, or with the session in a cookie of this browser. */
export interface AppEnd {
  readonly kind: "code" | "cookie";
  /** One of `OAuth2.RedirectURLs`. */
  readonly redirect: string;
  /** S256 challenge of the app's own verifier. */
  readonly challenge?: string | undefined;
  /** The app's own state, handed back. */
  readonly state?: string | undefined;
}

/** Where a login ends: in an app, or on the device that waits for it. */
export type FlowEnd = AppEnd | { readonly kind: "device"; readonly device: string };

/** A login between its start and the provider's answer. */
export interface Flow {
  readonly cid: string;
  readonly provider: string;
  /** Origin of the provider's authorization page. */
  readonly authOrigin: string;
  readonly verifier: string;
  readonly nonce: string;
  /** Where the provider sends the browser. */
  readonly callbackUrl: string;
  /** Hash of the secret in the cookie of the browser that started it. */
  readonly browser: string;
  readonly end: FlowEnd;
  /** Id of the session whose member the provider is to be linked to. */
  readonly link?: string | undefined;
}

/** What goes into an authorization URL. */
export interface AuthorizationParts {
  readonly state: string;
  readonly verifier: string;
  readonly nonce: string;
  readonly callbackUrl: string;
}

/**
 * The provider's authorization URL for one login; undefined when PocketBase's is no http(s) URL. A provider without
 * PKCE gets no challenge, one without OpenID no nonce.
 */
export const authorizationUrlOf = (
  { authUrl }: OfferedProvider,
  { state, verifier, nonce, callbackUrl }: AuthorizationParts,
): string | undefined => {
  if (!URL.canParse(authUrl)) return undefined;
  const url = new URL(authUrl);
  if (url.protocol !== "https:" && url.protocol !== "http:") return undefined;
  url.searchParams.set("state", state);
  url.searchParams.set("redirect_uri", callbackUrl);
  if (challengeIn(authUrl) !== undefined) {
    url.searchParams.set("code_challenge", sha256(verifier));
    url.searchParams.set("code_challenge_method", "S256");
  }
  const scopes = (url.searchParams.get("scope") ?? "").split(/\s+/);
  if (scopes.includes("openid")) url.searchParams.set("nonce", nonce);
  return url.href;
};

/**
 * Whether the `iss` of an answer (RFC 9207) is the provider's. A provider whose issuer is configured must say it;
 * of any other what it says must lie at the origin of its authorization page.
 */
export const isIssuerRight = (
  said: string | undefined,
  { authOrigin, issuer }: { readonly authOrigin: string; readonly issuer: string | undefined },
): boolean => {
  if (issuer !== undefined) return said === issuer;
  if (said === undefined) return true;
  return URL.canParse(said) && new URL(said).origin === authOrigin;
};

/** A finished login, kept until its owner fetches it. */
export interface LoginResult {
  /** 200 with a token in it, or 401 with the id of a login that needs a second factor. */
  readonly status: number;
  /** PocketBase's answer, without what the provider gave it. */
  readonly body: Readonly<Record<string, unknown>>;
  /** When PocketBase was asked, Unix ms. */
  readonly atMs: number;
}

/** What PocketBase tells of an account at a provider, but for the provider's own tokens and raw data. */
const META = ["id", "name", "username", "email", "avatarURL", "isNew"];

/**
 * Reads PocketBase's answer to a code: a login, one that needs a second factor, or undefined for a refusal. The nonce
 * is compared where PocketBase shows the provider's claims.
 */
export const loginResultOf = (
  { status, json }: { readonly status: number; readonly json: unknown },
  { nonce, atMs }: { readonly nonce: string; readonly atMs: number },
): LoginResult | undefined => {
  const said = member(member(member(json, "meta"), "rawUser"), "nonce");
  if (said !== undefined && said !== nonce) return undefined;
  const [token, mfaId] = [member(json, "token"), member(json, "mfaId")];
  if (status === 401 && typeof mfaId === "string") return { status, body: { mfaId }, atMs };
  if (status !== 200 || typeof token !== "string") return undefined;
  const meta = Object.fromEntries(META.map((name) => [name, member(member(json, "meta"), name)]));
  return { status, body: { record: member(json, "record"), token, meta }, atMs };
};

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
