// Conditions and ranges of kept files, against the words of RFC 9110.
import { expect, test } from "bun:test";
import { partOf } from "./fileAnswer.ts";
import type { FileEntry } from "./fileEntry.ts";

const DATE = "Mon, 06 May 2024 07:08:09 GMT";
const entry: FileEntry = {
  key: "c/r/a.txt?",
  headers: ["Content-Type", "text/plain", "Last-Modified", DATE],
  length: 36,
  etag: '"tag"',
  lastModified: DATE,
  allowsOrigin: undefined,
  body: undefined,
  hits: 0,
  lease: undefined,
  isProven: true,
};

const rows: readonly (readonly [what: string, headers: readonly string[], expected: string])[] = [
  ["nothing", [], "200 0-36"],
  ["a range", ["Range", "bytes=2-5"], "206 2-6"],
  ["an open range", ["range", "bytes=30-"], "206 30-36"],
  ["the last bytes", ["Range", "bytes=-4"], "206 32-36"],
  ["more last bytes than there are", ["Range", "bytes=-400"], "206 0-36"],
  ["a range past the end", ["Range", "bytes=30-99"], "206 30-36"],
  ["UP11 no last bytes", ["Range", "bytes=-0"], "ask"],
  ["UP11 two ranges", ["Range", "bytes=0-0,-1"], "ask"],
  ["UP11 100 ranges", ["Range", `bytes=${"0-35,".repeat(100)}`], "ask"],
  ["UP11 huge numbers", ["Range", "bytes=99999999999999999999-"], "ask"],
  ["UP11 a range behind the end", ["Range", "bytes=36-"], "ask"],
  ["a range the wrong way round", ["Range", "bytes=5-2"], "ask"],
  ["another unit", ["Range", "lines=1-2"], "ask"],
  ["a range if the tag is right", ["Range", "bytes=0-1", "If-Range", '"tag"'], "206 0-2"],
  ["a range if the tag is another", ["Range", "bytes=0-1", "If-Range", '"old"'], "200 0-36"],
  ["a range if the date is right", ["Range", "bytes=0-1", "If-Range", DATE], "206 0-2"],
  [
    "a range if the date is another",
    ["Range", "bytes=0-1", "If-Range", DATE.replace("2024", "2025")],
    "200 0-36",
  ],
  ["the tag it has", ["If-None-Match", '"x", W/"tag"'], "304 0-0"],
  ["any tag", ["If-None-Match", "*"], "304 0-0"],
  ["another tag, whatever the date", ["If-None-Match", '"x"', "If-Modified-Since", DATE], "200 0-36"],
  ["the date it has", ["If-Modified-Since", DATE], "304 0-0"],
  ["an older date", ["If-Modified-Since", DATE.replace("2024", "2023")], "200 0-36"],
  ["no date", ["If-Modified-Since", "yesterday"], "200 0-36"],
  ["the tag it must have", ["If-Match", '"tag"'], "200 0-36"],
  ["another tag it must have", ["If-Match", '"x"'], "ask"],
  ["a date it must have", ["If-Unmodified-Since", DATE], "ask"],
];
for (const [what, headers, expected] of rows)
  test(`partOf with ${what}`, () => {
    const part = partOf(entry, headers);
    expect(part === undefined ? "ask" : `${part.status} ${part.from}-${part.to}`).toBe(expected);
  });

test("partOf says which part it is, and no type when nothing is sent", () => {
  expect(partOf(entry, ["Range", "bytes=2-5"])?.headers).toEqual([
    ...entry.headers,
    ...["ETag", '"tag"', "Content-Range", "bytes 2-5/36", "Content-Length", "4"],
  ]);
  expect(partOf(entry, ["If-None-Match", "*"])?.headers).toEqual(["Last-Modified", DATE, "ETag", '"tag"']);
});
