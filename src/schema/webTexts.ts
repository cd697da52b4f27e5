// What PocketBase takes for an e-mail address and for a URL, as far as that is certain.

const ATOM = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef]+$/;
const DOMAIN_START = /^[A-Za-z0-9\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef]$/;
const DOMAIN_PART = /^[A-Za-z0-9\-._~\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef]*$/;
const TOP_START = /^[A-Za-z\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef]$/;
const TOP_PART = /^[A-Za-z0-9\-_~\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef]*$/;

/**
 * Whether a text is an e-mail address to PocketBase: dotted atoms, one `@`, a domain with a dot, in the wide range
 * of characters that PocketBase takes. undefined for quoted forms. O(n).
 */
export const isEmail = (text: string): boolean | undefined => {
  if (text.includes('"')) return undefined;
  const at = text.lastIndexOf("@");
  if (at < 0) return false;
  const local = text.slice(0, at);
  return local.split(".").every((atom) => ATOM.test(atom)) && isDomain(text.slice(at + 1));
};

// The part before the last dot may hold dots of its own, next to each other even.
const isDomain = (text: string): boolean => {
  const domain = text.endsWith(".") ? text.slice(0, -1) : text;
  const dot = domain.lastIndexOf(".");
  return (
    dot > 0 &&
    isFramed(domain.slice(0, dot), DOMAIN_START, DOMAIN_PART) &&
    isFramed(domain.slice(dot + 1), TOP_START, TOP_PART)
  );
};

const isFramed = (text: string, frame: RegExp, inner: RegExp): boolean =>
  frame.test(text.charAt(0)) && frame.test(text.slice(-1)) && inner.test(text.slice(1, -1));

/** A host with its port; trailing dots, underscores and characters beyond ASCII are for PocketBase to judge. */
const PLAIN_HOST =
  /^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?:\.[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)*\.[A-Za-z]+(?::[1-9]\d{0,3})?$/;
const HOST_PART = /^[A-Za-z0-9\-_.:[\]\u00a1-\uffff]*$/;
const HOST_CHARS_MAX = 253;
const URL_CHARS_MAX = 2_000;

type JudgedUrl = { readonly ok: true; readonly host: string } | { readonly ok: false };

/**
 * Judges a URL: `ok`, with its host and port as written, or not; undefined when that is not certain, as for names and
 * passwords within it, and for hosts out of the ordinary. Without a scheme the host is empty. O(n).
 */
export const judgeUrl = (text: string): JudgedUrl | undefined => {
  if (Buffer.byteLength(text) <= 3 || NO_URL.test(text)) return { ok: false };
  if (text.length > URL_CHARS_MAX || /[@%\\]/.test(text)) return undefined;
  const scheme = /^(?:ftp|tcp|udp|wss?|https?):\/\//.exec(text)?.[0] ?? "";
  const authority = /^[^/?#]*/.exec(text.slice(scheme.length))?.[0] ?? "";
  if (authority === "" || !HOST_PART.test(authority)) return { ok: false };
  if (scheme === "" && !isBareHost(text, authority)) return { ok: false };
  const isPlain = authority.length <= HOST_CHARS_MAX && PLAIN_HOST.test(authority);
  if (!isPlain || (scheme === "" && authority.includes(":"))) return undefined;
  return { ok: true, host: scheme === "" ? "" : authority };
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what makes it none.
const NO_URL = /[\x00-\x20\x7f]|^\./;

// Without a scheme there must be a dot, or a port that is one.
const isBareHost = (text: string, authority: string): boolean => {
  if (authority.includes(":")) return /:\d{1,5}$/.test(authority);
  return text.includes(".") || text.includes(":");
};
