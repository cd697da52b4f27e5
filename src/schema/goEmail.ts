// What PocketBase takes for an e-mail address, as far as that is certain.

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
  const at = text.lastIndexOf("@");
  if (at < 0) return false;
  const local = text.slice(0, at);
  if (local.startsWith('"') && local.endsWith('"')) return undefined;
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
