// One canonical spelling for a request path. Whatever Hapta decides about a path (route, policy, later
// limits and cache keys) and what it forwards are the same text.

/** Canonical path, or why there is none: `invalid` is refused (400), `noncanonical` names nothing (404). */
export type CanonicalPath =
  | { readonly kind: "path"; readonly path: string; readonly segments: readonly string[] }
  | { readonly kind: "invalid" | "noncanonical" };

// RFC 3986 pchar without `;` (path parameters split differently in every parser) and without escapes.
const PLAIN = /^[A-Za-z0-9\-._~!$&'()*+,=:@/]*$/;
const ESCAPE_OR_PLAIN = /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]|%[0-9A-Fa-f]{2})*$/;
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/**
 * Canonicalises the path part of a request target (no query).
 *
 * Unreserved escapes are decoded once, other escapes are upper-cased and kept. Escaped slashes and
 * backslashes, control characters, `;`, raw non-ASCII and broken escapes are invalid; empty or dot
 * segments are not canonical (PocketBase redirects those; no client of its API sends them).
 */
export const canonicalPath = (raw: string): CanonicalPath => {
  let path = raw;
  if (!PLAIN.test(raw)) {
    if (!ESCAPE_OR_PLAIN.test(raw)) return { kind: "invalid" };
    const decoded = decodeUnreserved(raw);
    if (decoded === undefined) return { kind: "invalid" };
    path = decoded;
  }
  if (path.charCodeAt(0) !== 0x2f) return { kind: "invalid" };
  if (path.includes("//") || path.includes("/.")) {
    if (path.includes("//") || hasDotSegment(path)) return { kind: "noncanonical" };
  }
  return { kind: "path", path, segments: path.slice(1).split("/") };
};

const hasDotSegment = (path: string): boolean =>
  path.split("/").some((segment) => segment === "." || segment === "..");

const decodeUnreserved = (raw: string): string | undefined => {
  let forbidden = false;
  const decoded = raw.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => {
    const code = Number.parseInt(hex, 16);
    if (code < 0x20 || code === 0x7f || code === 0x2f || code === 0x5c || code === 0x3b) forbidden = true;
    const character = String.fromCharCode(code);
    return UNRESERVED.test(character) ? character : `%${hex.toUpperCase()}`;
  });
  return forbidden ? undefined : decoded;
};
