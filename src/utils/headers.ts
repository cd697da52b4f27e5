// Which request headers may travel on, and small readers for flat header lists.
// A list is `[name, value, name, value, ...]`, as the listener hands it over.

// RFC 9110 section 7.6.1 hop-by-hop fields, those Hapta writes itself, and method overrides.
const DROPPED = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "expect",
  "host",
  "content-length",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
]);
const DROPPED_PREFIX = "x-hapta-";

/** What a guard hook of PocketBase's knows Hapta by; a client's never gets there, as all names with this prefix. */
export const GUARD_HEADER = "X-Hapta-Guard";

/** Where proxies say for whom they ask. Their presence means that the socket peer is not the client. */
const FORWARDING = new Set([
  "forwarded",
  "via",
  "x-real-ip",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "fastly-client-ip",
  "client-ip",
  "x-original-url",
  "x-original-host",
  "x-original-forwarded-for",
  "x-rewrite-url",
  "x-envoy-external-address",
  "x-appengine-user-ip",
  "x-azure-clientip",
  "x-azure-socketip",
  "x-originating-ip",
  "x-remote-ip",
  "x-remote-addr",
  "x-vercel-ip",
  "cdn-loop",
]);
const FORWARDING_PREFIXES = ["x-forwarded", "x-vercel-forwarded", "cf-", "fly-"];

/** Hop-by-hop fields of an answer (RFC 9110 section 7.6.1) and the one Hapta writes; the rest stays as it came. */
const DROPPED_FROM_ANSWERS = new Set([
  "x-request-id",
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

// PocketBase's rules fold every run of punctuation in a header name into one `_`: to a rule,
// `X.Forwarded--For` and `-X_Forwarded-For` are all `x_forwarded_for`. Only the plain spelling passes.
const PLAIN = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/**
 * True for names under which a client address or an original URL is commonly passed on (and therefore
 * forged). `name` is lower-case.
 */
export const isForwarding = (name: string): boolean => {
  const plain = name.replaceAll(/[^a-z0-9]+/g, "-");
  return FORWARDING.has(plain) || FORWARDING_PREFIXES.some((prefix) => plain.startsWith(prefix));
};

/** True for names a client may not pass on to PocketBase. `name` is lower-case. */
export const isDroppedFromRequests = (name: string): boolean =>
  DROPPED.has(name) || !PLAIN.test(name) || name.startsWith(DROPPED_PREFIX) || isForwarding(name);

/** True for names that must not travel on with an answer. `name` is lower-case. */
export const isDroppedFromAnswers = (name: string): boolean => DROPPED_FROM_ANSWERS.has(name);

/** First value under `name` (any case) in a flat list. */
export const headerValue = (list: readonly string[], name: string): string | undefined => {
  const wanted = name.toLowerCase();
  for (let i = 0; i < list.length; i += 2) {
    const candidate = list[i];
    if (candidate?.length !== wanted.length) continue;
    if (candidate === wanted || candidate.toLowerCase() === wanted) return list[i + 1];
  }
  return undefined;
};

/** The comma-separated tokens of a field value, lower-cased, without blanks. */
export const tokens = (value: string): string[] =>
  value
    .split(",")
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== "");

/** A flat header list without the named ones (lower case). */
export const withoutHeaders = (headers: readonly string[], names: readonly string[]): string[] => {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (!names.includes(name.toLowerCase())) kept.push(name, headers[i + 1] ?? "");
  }
  return kept;
};

/** Says in a flat list that the answer hangs on a request field, unless it says so already (RFC 9110 section 12.5.5). */
export const addVary = (headers: string[], field: string): void => {
  const at = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === "vary");
  const value = headers[at + 1] ?? "";
  if (at < 0) headers.push("Vary", field);
  else if (!tokens(value).includes(field.toLowerCase())) headers[at + 1] = `${value}, ${field}`;
};

/**
 * A flat list that says that the answer is for who asked alone: the very same when it says how long it may be kept. RFC 9111
 * section 3.5 keeps shared caches from answers to `Authorization`, but not every CDN follows it, and a cookie tells it nothing.
 */
export const keptPrivate = (headers: readonly string[]): readonly string[] => {
  if (headerValue(headers, "cache-control") !== undefined) return headers;
  const own = [...headers, "Cache-Control", "private, no-cache"];
  addVary(own, "Authorization");
  return own;
};

/**
 * What an answer to a token that counts no longer says about its session, so that an app can tell "signed out" from
 * "never signed in": `stale` heals by a refresh, the others need a login. Readable by pages of other origins.
 */
export const sessionHeaders = (state: "stale" | "expired" | "revoked"): readonly string[] => [
  "X-Hapta-Session",
  state,
  "Access-Control-Expose-Headers",
  "X-Hapta-Session",
];
