// The addresses a login may end at: web pages and an app's own schemes (RFC 8252). Compares nothing by prefix.

const LENGTH_MAX = 2048;
/** What a browser would run or show instead of going somewhere. */
const NO_PLACE = new Set([
  "javascript:",
  "data:",
  "vbscript:",
  "blob:",
  "file:",
  "about:",
  "filesystem:",
  "view-source:",
]);
// Visible ASCII without what a header, a page or another parser could read differently.
const PLAIN = /^[a-z][a-z0-9+.-]*:\/\/[!$-;=?-[\]_a-z~]*$/;

/**
 * Whether a text is an absolute URL that a browser may be sent to: `http(s)://host...` or `myapp://...`, in lower-case
 * scheme, without user, password and fragment, at most 2048 characters.
 */
export const isRedirectUrl = (text: string): boolean => {
  if (text.length > LENGTH_MAX || !PLAIN.test(text) || !URL.canParse(text)) return false;
  const { protocol, username, password, host } = new URL(text);
  if (NO_PLACE.has(protocol) || username !== "" || password !== "") return false;
  if (protocol !== "http:" && protocol !== "https:") return true;
  // A web address must be written the way every parser reads it: `HTTPS://EVIL%2ecom/../x` is not.
  const start = `${protocol}//${host}`;
  const isPlain = host !== "" && text.startsWith(start) && /^(?:[/?]|$)/.test(text.slice(start.length));
  return isPlain && !/\/\.{1,2}(?:[/?]|$)|%2f|%5c/i.test(text);
};

/** `url` with parameters added to its query; values are escaped. */
export const withParams = (url: string, params: Readonly<Record<string, string | undefined>>): string => {
  const added = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined) added.set(name, value);
  return `${url}${url.includes("?") ? "&" : "?"}${added}`;
};
