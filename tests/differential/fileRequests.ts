// Generates file requests: thumbs, ranges and conditions, and the dashboard's files.
import fc from "fast-check";
import type { World } from "../support/fixture/load.ts";
import { IDS } from "../support/fixture/records.ts";
import type { WireRequest } from "../support/wire.ts";

type Header = readonly [string, string];

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
  const query = fc.constantFrom(
    "",
    "?thumb=40x30",
    "?thumb=0x20",
    "?thumb=1x1",
    "?download=1",
    "?download=yes",
    `?token=${tokens.ada}`,
    "?token=",
  );
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
    fc
      .tuple(fc.constantFrom("If-Modified-Since", "If-Unmodified-Since", "If-Range"), date)
      .map(([n, v]): Header => [n, v]),
    fc.constantFrom<Header>(
      ["If-None-Match", "*"],
      ["If-Match", "*"],
      ["If-None-Match", '"x"'],
      ["Accept-Encoding", "gzip, br"],
    ),
  );
  const headers = fc.uniqueArray(header, { maxLength: 3, selector: ([name]) => name });
  const method = fc.constantFrom("GET", "GET", "HEAD");
  const stored = fc.record({ method, path: fc.tuple(path, query).map((parts) => parts.join("")), headers });
  // No ranges here: PocketBase draws a random boundary and then compresses it.
  const asset = fc.record({
    method,
    path: fc.constantFrom("/_/", "/_/libs/shablon/shablon.iife.js", "/_/nope.js", "/_/images"),
    headers: fc.constantFrom<Header[]>(
      [],
      [["Accept-Encoding", "gzip, br"]],
      [["If-Modified-Since", "Fri, 31 Dec 2100 00:00:00 GMT"]],
    ),
  });
  return fc.oneof({ weight: 9, arbitrary: stored }, { weight: 1, arbitrary: asset });
};
