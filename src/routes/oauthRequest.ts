// What the OAuth2 routes read from a request: parameters that are there once, the browser's own secret, and where
// Hapta is to the outside. Answers nothing.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { OWN_HEADERS } from "../http/ownHeaders.ts";
import { isSameText, newSecret, sha256 } from "../oauth/pkce.ts";
import type { Services } from "../services.ts";
import { readCookie, renderCookie } from "../utils/cookies.ts";
import { headerValue } from "../utils/headers.ts";

/** Longest parameter that is taken; codes of some providers have 2000 characters. */
const VALUE_MAX = 4096;

/** Reads one parameter; undefined when it is absent or empty. */
export type Params = (name: string) => string | undefined;

/** The parameters of a query or form. @throws Refusal `oauth_request_invalid` for one that is there twice. */
export const paramsOf = (text: string): Params => {
  const params = new URLSearchParams(text);
  return (name) => {
    const [value, ...more] = params.getAll(name);
    if (more.length > 0 || (value ?? "").length > VALUE_MAX) throw new Refusal("oauth_request_invalid");
    return value === "" ? undefined : value;
  };
};

/** The parameters of a POST body, JSON or form; of JSON only members that are texts. */
export const bodyParamsOf = ({ body, headers }: Exchange): Params => {
  if (body.kind !== "bytes") return () => undefined;
  const text = Buffer.from(body.bytes).toString("utf8");
  const type = headerValue(headers, "content-type") ?? "";
  if (type.startsWith("application/x-www-form-urlencoded")) return paramsOf(text);
  if (!type.startsWith("application/json")) throw new Refusal("media_type_unsupported");
  const json: unknown = JSON.parse(text);
  return (name) => {
    const value: unknown = typeof json === "object" && json !== null ? Reflect.get(json, name) : undefined;
    return typeof value === "string" && value !== "" && value.length <= VALUE_MAX ? value : undefined;
  };
};

/** Hapta's own address as the visitor knows it, without a trailing slash: what was configured, or what he typed. */
export const publicBaseOf = ({ client, host }: Exchange, { settings }: Services): string =>
  settings.oauth2.publicUrl ?? `${client.isSecure ? "https" : "http"}://${host}`;

/** The secret that ties a login to the browser that began it, and the Set-Cookie value that keeps it there. */
export interface BrowserTie {
  /** Hash of the secret. */
  readonly hash: string;
  readonly setCookie: string;
}

const COOKIE_SECONDS = 900;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

const cookieName = (isSecure: boolean): string => (isSecure ? "__Host-hapta_oauth" : "hapta_oauth");

/** The hash of the secret a browser presents; undefined when it has none. */
export const browserOf = ({ cookie = "" }: Exchange, base: string): string | undefined => {
  const secret = readCookie(cookie, cookieName(base.startsWith("https:")));
  return secret !== undefined && SECRET.test(secret) ? sha256(secret) : undefined;
};

/** Ties a browser to what it begins now; logins in several tabs share the secret. */
export const tieBrowser = ({ cookie = "" }: Exchange, base: string): BrowserTie => {
  const isSecure = base.startsWith("https:");
  const name = cookieName(isSecure);
  const known = readCookie(cookie, name);
  const secret = known !== undefined && SECRET.test(known) ? known : newSecret();
  // Lax: the provider's redirect is a navigation from another site, and must bring it along.
  const rules = { maxAgeSeconds: COOKIE_SECONDS, isSecure, sameSite: "Lax" } as const;
  return { hash: sha256(secret), setCookie: renderCookie(name, secret, rules) };
};

/** What a form of Hapta's own must bring back: only the browser it was shown to can. */
export const csrfOf = (browserHash: string, about: string): string => sha256(`csrf:${browserHash}:${about}`);

/** @throws Refusal `oauth_state_invalid` for a form that was not filled in on Hapta's own page, in this browser. */
export const checkCsrf = (
  exchange: Exchange,
  {
    base,
    about,
    csrf = "",
  }: { readonly base: string; readonly about: string; readonly csrf: string | undefined },
): void => {
  const browser = browserOf(exchange, base);
  const isOwn = browser !== undefined && isSameText(csrfOf(browser, about), csrf);
  if (!isOwn || exchange.page === "foreign") throw new Refusal("oauth_state_invalid");
};

/** An answer for programs. */
export const jsonAnswer = (value: unknown): Answer => ({
  status: 200,
  headers: ["Content-Type", "application/json", "Cache-Control", "no-store", ...OWN_HEADERS],
  body: Buffer.from(`${JSON.stringify(value)}\n`),
});

/** A redirect that hides where it came from; 303 so that nothing is posted twice. */
export const redirectTo = (location: string, headers: readonly string[] = []): Answer => ({
  status: 303,
  headers: ["Location", location, "Referrer-Policy", "no-referrer", "Cache-Control", "no-store", ...headers],
  body: Buffer.alloc(0),
});
