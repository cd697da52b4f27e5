// Generates requests to hooks that answer what reached them, so that a change on the way shows.
import fc from "fast-check";
import type { WireRequest } from "../support/wire.ts";

type Header = readonly [string, string];

// Plain spellings only: names with other punctuation are dropped on purpose (tests/differences holds that).
const NAMES = [
  ...["X-App", "x-app", "X-Trace-Id", "X-9", "Accept-Language", "User-Agent", "Referer", "X-Empty"],
  ...["If-None-Match", "Cookie", "DNT"],
];
const headerText = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
      { weight: 1, arbitrary: fc.integer({ min: 0xa0, max: 0xff }) },
      { weight: 1, arbitrary: fc.constant(9) },
    ),
    { maxLength: 20 },
  )
  .map((codes) => String.fromCharCode(...codes).trim());

/** Requests to hooks that answer what reached them: headers with duplicates, queries, paths, bodies. */
export const echoRequests: fc.Arbitrary<WireRequest> = fc.oneof(
  fc.array(fc.tuple(fc.constantFrom(...NAMES), headerText), { maxLength: 6 }).map((headers) => ({
    path: `/custom/headers?names=${NAMES.map(encodeURIComponent).join(",")}`,
    headers,
  })),
  fc.record({
    method: fc.constant("POST"),
    path: fc
      .stringMatching(/^[A-Za-z0-9\-._~!$&'()*+,;=:@/?]{0,20}(%[0-9A-Fa-f]{2}){0,4}[a-z=&+]{0,6}$/)
      .map((q) => `/custom/echo?${q}`),
    headers: fc.constantFrom<Header[]>(
      [["Content-Type", "a/b"]],
      [["Content-Type", 'TEXT/Plain ; x="y"']],
      [],
    ),
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
    path: fc
      .stringMatching(
        /^[A-Za-z0-9\-._~!$&'()*+,=:@]{1,12}(%(2[0-9A-E]|3[AC-F]|4[0-9A-F]|C3%BC|E2%9C%93)){0,3}$/,
      )
      .filter((s) => !/^\.{1,2}$/.test(s))
      .map((s) => `/custom/things/${s}`),
  }),
  fc
    .constantFrom(
      "/custom/hello",
      "/custom/redirect",
      "/custom/cookies",
      "/custom/stream",
      "/custom/bytes?n=20000",
      "/custom/bytes?n=0",
      "/custom/status/409",
      "/custom/status/503",
    )
    .chain((path) => fc.constantFrom("GET", "HEAD").map((method) => ({ method, path }))),
);
