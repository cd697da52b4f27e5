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

/**
 * The value of the one cookie called `name` in a Cookie field; undefined when it is absent or there twice, because
 * then somebody else may have planted one of them. Asked of every request of a browser: it allocates nothing but that.
 */
export const readCookie = (cookie: string, name: string): string | undefined => {
  let value: string | undefined;
  let found = 0;
  for (let at = cookie.indexOf(name); at >= 0; at = cookie.indexOf(name, at + 1)) {
    if (!startsPair(cookie, at)) continue;
    const end = cookie.indexOf(";", at);
    const rest = cookie.slice(at + name.length, end < 0 ? undefined : end).trim();
    if (rest !== "" && !rest.startsWith("=")) continue;
    found += 1;
    value = rest === "" ? undefined : rest.slice(1).trimStart();
  }
  return found === 1 ? value : undefined;
};

// Only blanks between the last semicolon, or the beginning, and here.
const startsPair = (cookie: string, at: number): boolean => {
  let before = at - 1;
  while (before >= 0 && (cookie[before] === " " || cookie[before] === "\t")) before -= 1;
  return before < 0 || cookie[before] === ";";
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
