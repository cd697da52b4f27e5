// The deliberate differences that one request can show: what PocketBase answers, and what Hapta answers instead.
// Each row stands in docs/differences.md under the same words. Sends nothing.
import type { World } from "../support/fixture/load.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import type { WireRequest } from "../support/wire.ts";
import { headOf, type WireResponse } from "../support/wireReader.ts";

/** One difference. Both answers are compared as text made by `view`: status and X-Hapta-Error when absent. */
export interface DifferenceRow {
  /** First cell of the row in docs/differences.md. */
  readonly what: string;
  readonly request: WireRequest | ((world: World) => WireRequest);
  readonly pocketbase: string;
  readonly hapta: string;
  readonly view?: (response: WireResponse) => string;
}

const NOTICES = "/api/collections/notices/records";
const NOTICE = `${NOTICES}/notice000000001`;
const LOGIN = "/api/collections/members/auth-with-password";
const SIGN_IN = `"identity":"ada@example.com","password":${JSON.stringify(PASSWORD)}`;
const HEALTH = "/api/health";
const SIGN_IN_FORM = `identity=ada%40example.com&password=${encodeURIComponent(PASSWORD)}`;

const ODD_FORM = 'hello\r\n--BB\r\nContent-Disposition: form-data; name="title"\r\n\r\nodd\r\n--BB--\r\n';

type Header = readonly [string, string];
const JSON_TYPE: Header = ["Content-Type", "application/json"];
const FORM_TYPE: Header = ["Content-Type", "application/x-www-form-urlencoded"];
// No trusted proxy is configured, so this makes the sender a public client to Hapta.
const FROM_OUTSIDE: Header = ["X-Forwarded-For", "203.0.113.9"];

const get = (path: string, ...headers: Header[]): WireRequest => ({ path, headers });
const post = (path: string, body: string, ...headers: Header[]): WireRequest => ({
  method: "POST",
  path,
  headers,
  body,
});

/** Status and stable code, such as `404 not_found`; the status alone when PocketBase answered. */
export const statusAndCode = (response: WireResponse): string =>
  [response.status, headOf(response, "x-hapta-error")].filter((part) => part !== undefined).join(" ");

const has = (name: string) => (response: WireResponse) =>
  headOf(response, name) === undefined ? "absent" : "present";

/** Asks the test app's hook which of these headers reached it. */
const seenHeaders = (response: WireResponse): string => {
  const { seen } = JSON.parse(response.text) as { seen: Record<string, unknown> };
  const arrived = Object.keys(seen).filter((name) => seen[name] !== null);
  return arrived.length === 0 ? "none" : arrived.sort().join(" ");
};
const echoed = (...headers: Header[]): WireRequest =>
  get(`/custom/headers?names=${headers.map(([name]) => name).join(",")}`, ...headers);

const ANSWERS: readonly DifferenceRow[] = [
  {
    what: "`X-Request-Id` on every answer",
    request: get(HEALTH),
    view: has("x-request-id"),
    pocketbase: "absent",
    hapta: "present",
  },
  {
    what: "`Cache-Status` on reads of records, and `ETag` where they may be kept",
    request: get("/api/collections/notices/records"),
    view: has("cache-status"),
    pocketbase: "absent",
    hapta: "present",
  },
  {
    what: "`Cache-Control` and `Vary` of reads with a token, where PocketBase says nothing of keeping them",
    request: ({ tokens }) => get(NOTICE, ["Authorization", tokens.ada]),
    view: (response) => `${headOf(response, "cache-control") ?? "none"}, and ${headOf(response, "vary")}`,
    pocketbase: "none, and Origin",
    hapta: "private, no-cache, and Origin, Authorization",
  },
  {
    what: "`X-Hapta-Error` on refusals",
    request: { method: "PROPFIND", path: HEALTH },
    view: has("x-hapta-error"),
    pocketbase: "absent",
    hapta: "present",
  },
  {
    what: "Reason phrase of the status line",
    request: ({ files }) =>
      get(`/api/files/articles/articlenews0001/${files.notes}`, ["Range", "bytes=99999-"]),
    view: ({ status, reason }) => `${status} ${reason}`,
    pocketbase: "416 Requested Range Not Satisfiable",
    hapta: "416 Range Not Satisfiable",
  },
  {
    what: "Paths under `/hapta`",
    request: get("/hapta/live"),
    pocketbase: "404",
    hapta: "200",
  },
  {
    what: "Refusal of a wrong `filter` or `sort`",
    request: get(`${NOTICES}?filter=(`),
    view: ({ text }) => (text.includes('"data":{}') ? "empty" : "says more"),
    pocketbase: "empty",
    hapta: "says more",
  },
];

/** A path that Hapta refuses; `answers` are PocketBase's and Hapta's. */
const refusedPath = (what: string, path: string, answers: readonly [string, string]): DifferenceRow => ({
  what,
  request: get(path),
  pocketbase: answers[0],
  hapta: answers[1],
});

const HEADS: readonly DifferenceRow[] = [
  {
    what: "Method outside GET HEAD POST PUT PATCH DELETE OPTIONS",
    request: { method: "PROPFIND", path: HEALTH },
    pocketbase: "404",
    hapta: "405 method_not_allowed",
  },
  {
    what: "Method not in capitals",
    request: { method: "get", path: HEALTH },
    pocketbase: "404",
    hapta: "400 request_malformed",
  },
  refusedPath("Empty path segment", `/${HEALTH}`, ["307", "404 not_found"]),
  refusedPath("Dot segment", `/x/..${HEALTH}`, ["307", "404 not_found"]),
  refusedPath("`;` in a path, escaped or not", `${HEALTH};a=1`, ["404", "400 path_invalid"]),
  refusedPath("Escaped slash or backslash", "/api/collections/a%2Fb/records", ["404", "400 path_invalid"]),
  refusedPath("Escaped control character", "/api/%00", ["404", "400 path_invalid"]),
  refusedPath("Broken escape in a path", "/api/%zz", ["400", "400 path_invalid"]),
  refusedPath("Path character outside RFC 3986", "/custom/status/[200]", ["200", "400 path_invalid"]),
  refusedPath("`#` in a query", `${HEALTH}?a#b`, ["200", "400 path_invalid"]),
  refusedPath("Raw byte outside ASCII in the URL", `${HEALTH}?a=\u00e9`, ["200", "400 request_malformed"]),
  refusedPath("Absolute URL on the request line", `http://x${HEALTH}`, ["200", "400 path_invalid"]),
  {
    what: "`OPTIONS *`",
    request: { method: "OPTIONS", path: "*" },
    pocketbase: "200",
    hapta: "400 path_invalid",
  },
  refusedPath("URL over 8192 bytes", `${HEALTH}?${"a".repeat(8192)}`, ["200", "414 uri_too_long"]),
  {
    what: "Head over 16 KiB",
    request: get(HEALTH, ["X-A", "a".repeat(16_384)]),
    pocketbase: "200",
    hapta: "431 headers_too_large",
  },
  {
    what: "More than 128 header fields",
    request: get(HEALTH, ...Array.from({ length: 128 }, (_, index): Header => [`X-${index}`, "1"])),
    pocketbase: "200",
    hapta: "431 headers_too_large",
  },
  {
    what: "Empty or invalid `Host`",
    request: get(HEALTH, ["Host", "_a.example"]),
    pocketbase: "200",
    hapta: "400 host_invalid",
  },
  {
    what: "Second `Content-Type`",
    request: post(NOTICES, '{"title":"Twice"}', JSON_TYPE, JSON_TYPE),
    pocketbase: "200",
    hapta: "400 header_invalid",
  },
  {
    what: "Second `Authorization`, or one that is not a single token",
    request: ({ tokens }) => get(NOTICE, ["Authorization", tokens.ada], ["Authorization", tokens.ben]),
    pocketbase: "200",
    hapta: "400 authorization_invalid",
  },
];

const HEADERS: readonly DifferenceRow[] = [
  {
    what: "Client-address and original-URL headers",
    request: echoed(
      ["X-Real-IP", "192.0.2.1"],
      ["X-Forwarded-Proto", "https"],
      ["CF-Connecting-IP", "192.0.2.1"],
      ["X-HTTP-Method-Override", "DELETE"],
    ),
    view: seenHeaders,
    pocketbase: "CF-Connecting-IP X-Forwarded-Proto X-HTTP-Method-Override X-Real-IP",
    hapta: "none",
  },
  {
    what: "Hop-by-hop headers, and those that `Connection` names",
    request: echoed(["TE", "trailers"], ["Upgrade", "x"], ["X-Named", "1"], ["Connection", "X-Named"]),
    view: seenHeaders,
    pocketbase: "Connection TE Upgrade X-Named",
    hapta: "none",
  },
  {
    what: "Header names that are not letters and digits joined by single `-`",
    request: echoed(["X_Real_IP", "192.0.2.1"], ["X.Real.IP", "192.0.2.1"]),
    view: seenHeaders,
    pocketbase: "X.Real.IP X_Real_IP",
    hapta: "none",
  },
  {
    what: "`Host` seen by hooks",
    request: get("/custom/headers?names=a", ["Host", "app.example"]),
    view: ({ text }) => (text.includes('"host":"app.example"') ? "the client's" : "PocketBase's own"),
    pocketbase: "the client's",
    hapta: "PocketBase's own",
  },
];

const BODIES: readonly DifferenceRow[] = [
  {
    what: "Body of GET, HEAD or OPTIONS",
    request: { ...post(NOTICE, "x", ["Content-Type", "text/plain"]), method: "GET" },
    pocketbase: "400",
    hapta: "200",
  },
  {
    what: "Fixed-shape body in XML",
    request: post(LOGIN, "<a><identity>x</identity></a>", ["Content-Type", "text/xml"]),
    pocketbase: "400",
    hapta: "415 media_type_unsupported",
  },
  {
    what: "Request with `Content-Encoding`, except on the app's own routes",
    request: post(NOTICES, '{"title":"Coded"}', JSON_TYPE, ["Content-Encoding", "gzip"]),
    pocketbase: "200",
    hapta: "415 body_encoded",
  },
  {
    what: "Fixed-shape body that is neither JSON nor a form",
    request: post(LOGIN, `{${SIGN_IN}}`, ["Content-Type", "text/plain"]),
    pocketbase: "400",
    hapta: "415 media_type_unsupported",
  },
  {
    what: "Fixed-shape form with a field twice, also after case folding",
    request: post(LOGIN, `IDENTITY=ben%40example.com&${SIGN_IN_FORM}`, FORM_TYPE),
    pocketbase: "200",
    hapta: "400 body_invalid",
  },
  {
    what: "Fixed-shape form beside query parameters other than `expand` and `fields`",
    request: post(`${LOGIN}?a=1`, SIGN_IN_FORM, FORM_TYPE),
    pocketbase: "200",
    hapta: "400 body_invalid",
  },
  {
    what: "Fixed-shape body with a member twice, also after case folding",
    request: post(LOGIN, `{"IDENTITY":"ben@example.com",${SIGN_IN}}`, JSON_TYPE),
    pocketbase: "200",
    hapta: "400 body_invalid",
  },
  {
    what: "Fixed-shape body with anything after its JSON value",
    request: post(LOGIN, `{${SIGN_IN}}{}`, JSON_TYPE),
    pocketbase: "200",
    hapta: "400 body_invalid",
  },
  {
    what: "Batch deeper than 64, or of more than 10,000 members; fixed-shape body deeper than 64, or of more than 4,096 values",
    request: post(LOGIN, `{${SIGN_IN},"a":${"[".repeat(64)}${"]".repeat(64)}}`, JSON_TYPE),
    pocketbase: "200",
    hapta: "400 body_invalid",
  },
  {
    what: "Fixed-shape body over 1 MiB",
    request: post(LOGIN, `{${SIGN_IN},"a":"${"x".repeat(1_048_576)}"}`, JSON_TYPE),
    pocketbase: "200",
    hapta: "413 body_too_large",
  },
  {
    what: "Record form: preamble, epilogue, odd part headers, over 1000 parts",
    request: post(NOTICES, ODD_FORM, ["Content-Type", "multipart/form-data; boundary=BB"]),
    pocketbase: "200",
    hapta: "400 body_invalid",
  },
  {
    what: "Record's JSON body up to 32 KiB with a member twice",
    request: post(NOTICES, '{"title":"a","title":"b"}', JSON_TYPE),
    pocketbase: "200",
    hapta: "400 body_invalid",
  },
  {
    what: "Record's JSON body up to 32 KiB that is no UTF-8, or has half a surrogate pair",
    request: post(NOTICES, '{"title":"\\ud800"}', JSON_TYPE),
    pocketbase: "200",
    hapta: "400 body_invalid",
  },
  {
    what: "Record's JSON body up to 32 KiB and deeper than 64",
    request: post(NOTICES, `{"title":"a","meta":${"[".repeat(65)}${"]".repeat(65)}}`, JSON_TYPE),
    pocketbase: "200",
    hapta: "400 body_invalid",
  },
  {
    what: "Batch that is neither JSON nor multipart",
    request: post("/api/batch", "a=b", FORM_TYPE),
    pocketbase: "400",
    hapta: "415 media_type_unsupported",
  },
];

const SUPERUSERS: readonly DifferenceRow[] = [
  {
    what: "Dashboard and superuser-only API, for public clients",
    request: get("/api/settings", FROM_OUTSIDE),
    pocketbase: "401",
    hapta: "404 not_found",
  },
  {
    what: "Collection segment that needs an escape, for public clients",
    request: get("/api/collections/_%C5%BFuperusers/records", FROM_OUTSIDE),
    pocketbase: "403",
    hapta: "404 not_found",
  },
  {
    what: "Superuser token from a public client",
    request: ({ tokens }) => get(NOTICES, FROM_OUTSIDE, ["Authorization", tokens.superuser]),
    pocketbase: "200",
    hapta: "401 superuser_refused",
  },
];

const FILES: readonly DifferenceRow[] = [
  {
    what: "Path `/files/sign`",
    request: post("/files/sign", "{}", JSON_TYPE),
    pocketbase: "404",
    hapta: "401 session_required",
  },
];

const OAUTH: readonly DifferenceRow[] = [
  {
    what: "Paths under `/auth/oauth2`",
    request: get("/auth/oauth2/done"),
    pocketbase: "404",
    hapta: "200",
  },
  {
    what: "Where `/api/oauth2-redirect` leads",
    request: get("/api/oauth2-redirect?state=x&code=y"),
    view: (response) => `${response.status} ${headOf(response, "location")}`,
    pocketbase: "307 ../_/#/auth/oauth2-redirect-failure",
    hapta: "307 ../auth/oauth2/failed",
  },
  {
    what: "`/api/oauth2-redirect` with a body that is neither JSON nor a form",
    request: post("/api/oauth2-redirect", "state=x", ["Content-Type", "text/plain"]),
    pocketbase: "303",
    hapta: "415 media_type_unsupported",
  },
  {
    what: "`auth-with-oauth2` with a form",
    request: post("/api/collections/members/auth-with-oauth2", "provider=x&code=y", FORM_TYPE),
    pocketbase: "403",
    hapta: "415 media_type_unsupported",
  },
];

/** Every row, in the order of docs/differences.md. */
export const DIFFERENCES: readonly DifferenceRow[] = [
  ...ANSWERS,
  ...HEADS,
  ...HEADERS,
  ...BODIES,
  ...SUPERUSERS,
  ...FILES,
  ...OAUTH,
];
