// Reads and writes Cookie fields (RFC 6265bis). Of Hapta's own cookies it knows only how their names begin.

/** What a Set-Cookie value says beside name and value. */
export interface CookieRules {
  /** Seconds a browser keeps it; 0 deletes it. */
  readonly maxAgeSeconds: number;
  /** Sent over https only. */
  readonly isSecure: boolean;
  readonly sameSite: "Lax" | "Strict";
}

/** The trimmed `name=value` pairs of a Cookie field, split as browsers and Go do: at every semicolon. */
const pairsOf = (cookie: string): string[] => cookie.split(";").map((pair) => pair.trim());

const nameOf = (pair: string): string => {
  const equals = pair.indexOf("=");
  return equals < 0 ? pair : pair.slice(0, equals).trimEnd();
};

/**
 * The value of the one cookie called `name` in a Cookie field; undefined when it is absent or there twice, because
 * then somebody else may have planted one of them.
 */
export const readCookie = (cookie: string, name: string): string | undefined => {
  if (!cookie.includes(name)) return undefined;
  const found = pairsOf(cookie).filter((pair) => nameOf(pair) === name);
  const pair = found.length === 1 ? found[0] : undefined;
  return pair?.includes("=") === true ? pair.slice(pair.indexOf("=") + 1).trimStart() : undefined;
};

const OWN = /^(?:__Host-|__Secure-)?hapta_/;

/**
 * A Cookie field without Hapta's own cookies, which are all called `hapta_*` (with a prefix where there is https) and
 * mean nothing to PocketBase. The others stay as they were written; "" when none is left.
 */
export const withoutOwnCookies = (cookie: string): string =>
  cookie.includes("hapta_")
    ? pairsOf(cookie)
        .filter((pair) => pair !== "" && !OWN.test(pair))
        .join("; ")
    : cookie;

/** A Set-Cookie value for the whole host, out of reach of scripts. `value` must be made of cookie octets already. */
export const renderCookie = (name: string, value: string, rules: CookieRules): string => {
  const { maxAgeSeconds, isSecure, sameSite } = rules;
  const secure = isSecure ? "; Secure" : "";
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=${sameSite}${secure}`;
};
