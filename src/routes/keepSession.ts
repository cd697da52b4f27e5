// What a browser gets to keep of a login: the session in a cookie, when it asked for one, and the did.
import { addCookie, type Exchange } from "../exchange.ts";
import { newDid, readDid, renderDidCookie } from "../sessions/device.ts";
import { inertTokenOf } from "../sessions/inertToken.ts";
import { renderSessionCookie } from "../sessions/sessionCookie.ts";
import { systemRandom } from "../sessions/sources.ts";
import type { Settings } from "../settings.ts";

/** A token that was just minted. */
interface Minted {
  readonly token: string;
  /** Unix ms. */
  readonly expMs: number;
}

/** Both return the token that may be shown to the page: an inert one when a cookie has the real one. */
export interface KeepSession {
  /** After a login: a cookie for clients that ask for one, and a did for browsers that have none. */
  login(exchange: Exchange, minted: Minted): string;
  /** After a refresh: a cookie also for clients whose session lives in one already. */
  refresh(exchange: Exchange, minted: Minted): string;
}

// A proof names the token that it goes with (RFC 9449), and a page cannot know the one in its cookie.
const isBound = ({ proven }: Exchange): boolean => proven.jkt !== undefined;

export const createKeepSession = ({ cookies }: Settings["security"]): KeepSession => {
  const { sameSite } = cookies;

  const giveCookie = (exchange: Exchange, { token, expMs }: Minted): string => {
    const { isSecure } = exchange.client;
    const maxAgeSeconds = (expMs - Date.now()) / 1000;
    addCookie(exchange, renderSessionCookie({ token, maxAgeSeconds, isSecure, sameSite }));
    return inertTokenOf(token);
  };

  // Only for pages whose requests bring it back; clients without cookies are normal clients.
  const giveDid = (exchange: Exchange): void => {
    const { client, cookie = "", page } = exchange;
    const isSentBack = page === "own" || (page === "listed" && cookies.isEnabled);
    if (!isSentBack || readDid(cookie, client.isSecure) !== undefined) return;
    addCookie(exchange, renderDidCookie(newDid(systemRandom), client.isSecure));
  };

  return {
    login: (exchange, minted) => {
      // An impersonation's token is for use elsewhere: it stays out of the superuser's own browser.
      if (exchange.route.operation === "impersonate") return minted.token;
      giveDid(exchange);
      return exchange.wantsCookie && !isBound(exchange) ? giveCookie(exchange, minted) : minted.token;
    },
    refresh: (exchange, minted) => {
      const isKept = exchange.wantsCookie || exchange.cookieToken !== undefined;
      return isKept && !isBound(exchange) ? giveCookie(exchange, minted) : minted.token;
    },
  };
};
