// The cookie that holds a session's token in a browser, out of reach of its scripts. Neither decides who gets one nor
// whether the token in it counts.
import { readCookie, renderCookie } from "../utils/cookies.ts";
import { TOKEN_LENGTH_MAX } from "./token.ts";

/** What goes into a session cookie. */
export interface SessionCookie {
  /** Hapta's token. */
  readonly token: string;
  /** Seconds until the token ends. */
  readonly maxAgeSeconds: number;
  /** Whether the client came by https (see `Client.isSecure`). */
  readonly isSecure: boolean;
  readonly sameSite: "lax" | "strict";
}

const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const SAME_SITE = { lax: "Lax", strict: "Strict" } as const;

/** Name of the cookie; the prefix (RFC 6265bis section 4.1.3.2) keeps other hosts from planting it and needs https. */
export const sessionCookieName = (isSecure: boolean): string =>
  isSecure ? "__Host-hapta_session" : "hapta_session";

/** The Set-Cookie value that hands a token to a browser. @throws RangeError when `token` is none. */
export const renderSessionCookie = ({ token, maxAgeSeconds, isSecure, sameSite }: SessionCookie): string => {
  if (!isToken(token)) throw new RangeError("not a token");
  const rules = { maxAgeSeconds: Math.max(0, Math.floor(maxAgeSeconds)), isSecure };
  return renderCookie(sessionCookieName(isSecure), token, { ...rules, sameSite: SAME_SITE[sameSite] });
};

/** The Set-Cookie value that takes it back. */
export const clearSessionCookie = ({
  isSecure,
  sameSite,
}: Pick<SessionCookie, "isSecure" | "sameSite">): string =>
  renderCookie(sessionCookieName(isSecure), "", {
    maxAgeSeconds: 0,
    isSecure,
    sameSite: SAME_SITE[sameSite],
  });

/** The token in a Cookie field; undefined when it is absent, no token by its shape, or there twice. */
export const readSessionCookie = (cookie: string | undefined, isSecure: boolean): string | undefined => {
  const value = cookie === undefined ? undefined : readCookie(cookie, sessionCookieName(isSecure));
  return value !== undefined && isToken(value) ? value : undefined;
};

const isToken = (text: string): boolean => text.length <= TOKEN_LENGTH_MAX && TOKEN.test(text);
