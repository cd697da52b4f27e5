// The session cookie: when it counts instead of an Authorization header, and which pages it counts for. Whether the
// token in it is any good is asked elsewhere.
import { Refusal } from "../errors.ts";
import { type Exchange, isUnsafe } from "../exchange.ts";
import { isInertToken } from "../sessions/inertToken.ts";
import { readSessionCookie } from "../sessions/sessionCookie.ts";
import { tokenTextOf } from "../utils/jwt.ts";

/** Takes the token out of an exchange's cookie and notes that it did; undefined when there is none to take. */
export type TakeCookieToken = (exchange: Exchange, authorization: string | undefined) => string | undefined;

/**
 * Makes the reader; undefined where there are no cookie sessions. A token of its own that a client sends goes first.
 *
 * @throws Refusal `csrf_denied` for a cookie that came with the request of a foreign page, or with one that may change
 * something or opens a WebSocket and of which no browser says where it comes from; and for a foreign page that asks for a cookie.
 */
export const createTakeCookieToken = (isEnabled: boolean): TakeCookieToken | undefined => {
  if (!isEnabled) return undefined;
  return (exchange, authorization) => {
    const { client, cookie, method, page, route, wantsCookie } = exchange;
    // Nobody else's page may log a visitor in here, as somebody of its choice.
    if (wantsCookie && page === "foreign") throw new Refusal("csrf_denied");
    if (cookie === undefined) return undefined;
    if (authorization !== undefined && !isInertToken(tokenTextOf(authorization))) return undefined;
    const token = readSessionCookie(cookie, client.isSecure);
    if (token === undefined) return undefined;
    if (page === "foreign" || (page === "none" && (isUnsafe(method) || route.isSocket === true)))
      throw new Refusal("csrf_denied");
    exchange.cookieToken = token;
    return token;
  };
};
