// Generates requests other than reads of records: files with ranges, writes with a reset, errors, odd headers.
import fc from "fast-check";
import { IDS } from "../support/fixture/records.ts";
import type { World } from "../support/fixture/load.ts";
import type { WireRequest } from "../support/wire.ts";

/** One generated exchange. `reset` is sent to PocketBase itself before each side, so that both find the same state. */
export interface Case {
  readonly request: WireRequest;
  readonly reset?: WireRequest;
}

type Header = readonly [string, string];

const NOTICES = "/api/collections/notices/records";
const JSON_TYPE: Header = ["Content-Type", "application/json"];

/** File requests: names right and wrong, thumbs, ranges, conditions. */
export const fileRequests = (world: World): fc.Arbitrary<WireRequest> => {
  const { files, tokens } = world;
  const path = fc.constantFrom(
    `/api/files/articles/${IDS.news}/${files.notes}`,
    `/api/files/articles/${IDS.news}/${files.cover}`,
    `/api/files/articles/${IDS.news}/${files.empty}`,
    `/api/files/pbc_notices0001/${IDS.bigNotice}/${files.svg}`,
    `/api/files/notices/${IDS.bigNotice}/${files.big}`,
    `/api/files/diaries/${IDS.diary}/${files.scan}`,
    `/api/files/notices/${IDS.bigNotice}/nope.bin`,
  );
  const query = fc.constantFrom("", "?thumb=40x30", "?thumb=0x20", "?thumb=1x1", "?download=1", "?download=yes", `?token=${tokens.ada}`, "?token=");
  const at = fc.integer({ min: 0, max: 40 });
  const range = fc.oneof(
    fc.tuple(at, at).map(([a, b]) => `bytes=${a}-${b}`),
    at.map((a) => `bytes=${a + 2_999_990}-`),
    at.map((a) => `bytes=-${a}`),
    fc.tuple(at, at).map(([a, b]) => `bytes=${a}-${a + 1}, ${b}-${b}`),
    fc.constantFrom("bytes=", "bytes=a-b", "lines=1-2", "bytes=1-2,99999999-"),
  );
  const date = fc.constantFrom("Fri, 31 Dec 1999 00:00:00 GMT", "Fri, 31 Dec 2100 00:00:00 GMT", "nonsense");
  const header: fc.Arbitrary<Header> = fc.oneof(
    range.map((value): Header => ["Range", value]),
    fc.tuple(fc.constantFrom("If-Modified-Since", "If-Unmodified-Since", "If-Range"), date).map(([n, v]): Header => [n, v]),
    fc.constantFrom<Header>(["If-None-Match", "*"], ["If-Match", "*"], ["If-None-Match", '"x"'], ["Accept-Encoding", "gzip, br"]),
  );
  const headers = fc.uniqueArray(header, { maxLength: 3, selector: ([name]) => name });
  const method = fc.constantFrom("GET", "GET", "HEAD");
  const stored = fc.record({ method, path: fc.tuple(path, query).map((parts) => parts.join("")), headers });
  // No ranges here: PocketBase draws a random boundary and then compresses it.
  const asset = fc.record({
    method,
    path: fc.constantFrom("/_/", "/_/libs/shablon/shablon.iife.js", "/_/nope.js", "/_/images"),
    headers: fc.constantFrom<Header[]>([], [["Accept-Encoding", "gzip, br"]], [["If-Modified-Since", "Fri, 31 Dec 2100 00:00:00 GMT"]]),
  });
  return fc.oneof({ weight: 9, arbitrary: stored }, { weight: 1, arbitrary: asset });
};

const value: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({ maxLength: 70 }),
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.constantFrom("red", "blue", "teal"), { maxLength: 4 }),
  fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
);
const noticeBody = fc.dictionary(
  fc.constantFrom("title", "count", "done", "tags", "meta", "member", "count+", "tags-", "blob", "nope", "expand"),
  value,
  { maxKeys: 5 },
);

const encodeForm = (body: Readonly<Record<string, unknown>>): string =>
  Object.entries(body)
    .map(([name, v]) => [name, typeof v === "string" ? v : JSON.stringify(v)] as const)
    .map(([name, text]) => `${encodeURIComponent(name)}=${encodeURIComponent(text.toWellFormed())}`)
    .join("&");

/** Record writes in JSON or as a form, whole or in chunks; the superuser resets the record before each. */
export const writeCases = (world: World): fc.Arbitrary<Case> => {
  const root: Header[] = [["Authorization", world.tokens.superuser]];
  const id = "differential001";
  const asJson = fc.constantFrom(true, true, false);
  const chunkBytes = fc.constantFrom(undefined, undefined, 7, 1000);
  return fc.record({ body: noticeBody, asJson, chunkBytes, creates: fc.boolean() }).map((drawn) => {
    const body = drawn.creates ? { title: "Drawn", ...drawn.body, id } : drawn.body;
    const text = drawn.asJson ? JSON.stringify(body) : encodeForm(body);
    const type: Header = drawn.asJson ? JSON_TYPE : ["Content-Type", "application/x-www-form-urlencoded"];
    // An empty chunked body is PocketBase's own error; errors.test.ts covers it.
    const chunks = drawn.chunkBytes === undefined || text === "" ? {} : { chunkBytes: drawn.chunkBytes };
    const base = { headers: [type], body: text, ...chunks };
    if (drawn.creates) {
      return {
        request: { method: "POST", path: NOTICES, ...base },
        reset: { method: "DELETE", path: `${NOTICES}/${id}`, headers: root },
      };
    }
    const original = { title: "Notice 8", count: 3, done: false, tags: ["grey"], meta: { a: 8 }, member: "", blob: [] };
    return {
      request: { method: "PATCH", path: `${NOTICES}/notice000000008`, ...base },
      reset: { method: "PATCH", path: `${NOTICES}/notice000000008`, headers: [...root, JSON_TYPE], body: JSON.stringify(original) },
    };
  });
};

const METHODS = fc.constantFrom("POST", "PATCH", "PUT", "DELETE", "GET", "HEAD");
const MEMBERS = "/api/collections/members";

// Any caller may try these: no token opens them.
const closedPaths = fc.constantFrom(
  ...["/api/nope", "/nope", "/api", "/api/", "/api/collections/notices/records/", "/api/health/", "/api/records"],
  ...["/api/collections/notices/auth-methods", "/api/collections/notices/nope", `${MEMBERS}/nope`, "/api/files"],
  ...["/api/collections/nosuch/records", "/api/collections/-/records", "/_/nope", "/api/backups/x.zip"],
);
// Without a valid token of the right kind these refuse; with one they would answer something new each time.
const guardedPaths = fc.constantFrom(
  ...["/api/settings", "/api/collections", "/api/logs", "/api/logs/stats", "/api/crons", "/api/backups", "/api/sql"],
  ...["/api/files/token", `${MEMBERS}/auth-refresh`, `${MEMBERS}/impersonate/x`, `${MEMBERS}/request-email-change`],
  ...["/api/collections/ledgers/records", "/api/collections/import", "/api/collections/meta/scaffolds", "/api/settings/test/s3"],
);
const badToken = fc.constantFrom<Header[]>([], [["Authorization", "garbage"]], [["Authorization", "Bearer a.b.c"]]);
const smallBody = fc.oneof(
  fc
    .dictionary(
      fc.constantFrom("identity", "password", "token", "otpId", "email", "requests", "clientId"),
      fc.oneof(fc.string({ maxLength: 5 }), fc.integer(), fc.constant(null)),
      { maxKeys: 3 },
    )
    .map((members) => JSON.stringify(members)),
  fc.constantFrom("{", "[]", "null", '"text"', "{}x", "nonsense", "1"),
);
const bodyPaths = fc.constantFrom(
  ...["auth-with-password", "auth-with-otp", "confirm-verification", "confirm-password-reset", "request-email-change"].map((r) => `${MEMBERS}/${r}`),
  ...["/api/collections/ledgers/records", "/api/collections/nosuch/records", "/api/realtime", "/api/batch"],
);

/** Requests that PocketBase refuses, on every kind of route. They carry their own, useless, tokens. */
export const refusedRequests: fc.Arbitrary<WireRequest> = fc.oneof(
  fc.record({ method: METHODS, path: closedPaths, headers: badToken }),
  fc.record({ method: METHODS, path: guardedPaths, headers: badToken }),
  fc
    .record({ path: bodyPaths, token: badToken, type: fc.constantFrom("application/json", "application/json; charset=utf-8"), body: smallBody })
    .map(({ path, token, type, body }) => ({ method: "POST", path, body, headers: [...token, ["Content-Type", type] as const] })),
);

const NAMES = ["X-App", "x-app", "X-Trace.Id", "Accept-Language", "User-Agent", "Referer", "X-Empty", "If-None-Match", "Cookie", "DNT", "x!#$%&'*+-.^`|~1"];
const headerText = fc
  .array(fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) }, { weight: 1, arbitrary: fc.integer({ min: 0xa0, max: 0xff }) }, { weight: 1, arbitrary: fc.constant(9) }), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes).trim());

/** Requests to hooks that answer what reached them: headers with duplicates, queries, paths, bodies. */
export const echoRequests: fc.Arbitrary<WireRequest> = fc.oneof(
  fc
    .array(fc.tuple(fc.constantFrom(...NAMES), headerText), { maxLength: 6 })
    .map((headers) => ({ path: `/custom/headers?names=${NAMES.map(encodeURIComponent).join(",")}`, headers })),
  fc.record({
    method: fc.constant("POST"),
    path: fc.stringMatching(/^[A-Za-z0-9\-._~!$&'()*+,;=:@/?]{0,20}(%[0-9A-Fa-f]{2}){0,4}[a-z=&+]{0,6}$/).map((q) => `/custom/echo?${q}`),
    headers: fc.constantFrom<Header[]>([["Content-Type", "a/b"]], [["Content-Type", "TEXT/Plain ; x=\"y\""]], []),
    body: fc.uint8Array({ maxLength: 3000 }),
  }),
  fc.record({
    method: fc.constant("POST"),
    path: fc.constant("/custom/echo"),
    headers: fc.constant<Header[]>([["Content-Type", "a/b"]]),
    body: fc.uint8Array({ minLength: 1, maxLength: 3000 }),
    chunkBytes: fc.integer({ min: 1, max: 900 }),
  }),
  fc.record({
    method: fc.constant("PUT"),
    path: fc.stringMatching(/^[A-Za-z0-9\-._~!$&'()*+,=:@]{1,12}(%(2[0-9A-E]|3[AC-F]|4[0-9A-F]|C3%BC|E2%9C%93)){0,3}$/).filter((s) => !/^\.{1,2}$/.test(s)).map((s) => `/custom/things/${s}`),
  }),
  fc.constantFrom("/custom/hello", "/custom/redirect", "/custom/cookies", "/custom/stream", "/custom/bytes?n=20000", "/custom/bytes?n=0", "/custom/status/409", "/custom/status/503").chain((path) =>
    fc.constantFrom("GET", "HEAD").map((method) => ({ method, path })),
  ),
);
