// Parity of downloads: headers, ranges, conditions, thumbs and the framing of large files.
import { expect, test } from "bun:test";
import type { World } from "../support/fixture/load.ts";
import { BIG_FILE_BYTES, bigBytes, IDS } from "../support/fixture/records.ts";
import { type Scenario, send, testScenarios } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";
import { headOf } from "../support/wireReader.ts";

const CSP = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox";
const CACHE = "max-age=2592000, stale-while-revalidate=86400";
const NOT_FOUND = '{"data":{},"message":"The requested resource wasn\'t found.","status":404}\n';

const notes = (world: World): string => `/api/files/articles/${IDS.news}/${world.files.notes}`;
const cover =
  (query: string) =>
  (world: World): string =>
    `/api/files/articles/${IDS.news}/${world.files.cover}${query}`;
const big = (world: World): string => `/api/files/notices/${IDS.bigNotice}/${world.files.big}`;
const range = (value: string): (readonly [string, string])[] => [["Range", value]];

const downloads: readonly Scenario[] = [
  {
    name: "download answers all bytes with length and cache headers",
    path: notes,
    status: 200,
    exactly: "0123456789abcdefghijklmnopqrstuvwxyz",
    answers: {
      "accept-ranges": "bytes",
      "cache-control": CACHE,
      "content-length": "36",
      "content-security-policy": CSP,
      "content-type": "text/plain; charset=utf-8",
      "content-disposition": /attachment; filename=notes_\w+\.txt$/,
      "x-frame-options": null,
    },
    // What Hapta keeps has a strong tag; all other headers are PocketBase's.
    afterwards: (response, target) => {
      const tag = target.name === "pocketbase" ? /^none$/ : /^"[\w-]{24}"$/;
      expect(headOf(response, "etag") ?? "none").toMatch(tag);
    },
  },
  {
    name: "download of an empty file has length zero",
    path: (w) => `/api/files/articles/${IDS.news}/${w.files.empty}`,
    status: 200,
    exactly: "",
    answers: { "content-length": "0" },
  },
  {
    name: "download of an image is shown inline",
    path: cover(""),
    status: 200,
    answers: {
      "content-type": "image/png",
      "content-disposition": /inline; filename=bridge_cover_\w+\.png$/,
    },
  },
  {
    name: "download=1 makes an attachment",
    path: cover("?download=1"),
    status: 200,
    answers: { "content-disposition": /attachment; filename=bridge_cover_\w+\.png$/ },
  },
  {
    name: "download of an SVG keeps its type and is an attachment",
    path: (w) => `/api/files/notices/${IDS.bigNotice}/${w.files.svg}`,
    status: 200,
    exactly: '<svg xmlns="http://www.w3.org/2000/svg"/>',
    answers: { "content-type": "image/svg+xml", "content-disposition": /^content-disposition: attachment/ },
  },
  {
    name: "HEAD of a file has its headers and no body",
    method: "HEAD",
    path: notes,
    status: 200,
    exactly: "",
    answers: {
      "content-length": "36",
      "accept-ranges": "bytes",
      "content-type": "text/plain; charset=utf-8",
    },
  },
  {
    name: "HEAD of a large file has its length",
    method: "HEAD",
    path: big,
    status: 200,
    answers: { "content-length": String(BIG_FILE_BYTES), "transfer-encoding": null },
  },
  {
    name: "an unknown file name is 404",
    path: `/api/files/notices/${IDS.bigNotice}/nope.bin`,
    status: 404,
    exactly: NOT_FOUND,
  },
  {
    name: "an unknown record is 404",
    path: "/api/files/notices/nosuchrecord001/nope.bin",
    status: 404,
    exactly: NOT_FOUND,
  },
  {
    name: "a collection may be named by id in file paths",
    path: (w) => `/api/files/pbc_articles001/${IDS.news}/${w.files.notes}`,
    status: 200,
    contains: ["0123456789"],
  },
  {
    name: "a listed thumb is made and named",
    path: cover("?thumb=40x30"),
    status: 200,
    answers: {
      "content-type": "image/png",
      "content-disposition": /inline; filename=40x30_bridge_cover_\w+\.png$/,
    },
  },
  {
    name: "an unlisted thumb answers the original",
    path: cover("?thumb=7x7"),
    status: 200,
    answers: { "content-disposition": /inline; filename=bridge_cover_/ },
  },
  {
    name: "HEAD of a thumb has its length",
    method: "HEAD",
    path: cover("?thumb=40x30"),
    status: 200,
    answers: { "content-length": /\d+/ },
  },
];

const ranges: readonly Scenario[] = [
  {
    name: "a range answers 206",
    path: notes,
    headers: range("bytes=2-5"),
    status: 206,
    exactly: "2345",
    answers: { "content-range": "bytes 2-5/36", "content-length": "4" },
  },
  {
    name: "a suffix range answers the end",
    path: notes,
    headers: range("bytes=-3"),
    status: 206,
    exactly: "xyz",
    answers: { "content-range": "bytes 33-35/36" },
  },
  {
    name: "an open range answers the rest",
    path: notes,
    headers: range("bytes=30-"),
    status: 206,
    exactly: "uvwxyz",
    answers: { "content-length": "6" },
  },
  {
    name: "several ranges answer multipart bytes",
    path: notes,
    headers: range("bytes=0-1,5-6"),
    status: 206,
    contains: [
      "Content-Range: bytes 0-1/36\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n01\r\n",
      "Content-Range: bytes 5-6/36",
    ],
    answers: { "content-type": /multipart\/byteranges; boundary=/, "content-length": "346" },
  },
  {
    name: "a range past the end is 416",
    path: notes,
    headers: range("bytes=99-"),
    status: 416,
    exactly: "invalid range: failed to overlap\n",
    answers: { "content-range": "bytes */36", "content-type": "text/plain; charset=utf-8" },
  },
  {
    name: "a senseless range is 416",
    path: notes,
    headers: range("nonsense"),
    status: 416,
    exactly: "invalid range\n",
  },
  {
    name: "a range in the middle of a large file",
    path: big,
    headers: range("bytes=2999990-2999999"),
    status: 206,
    answers: { "content-range": `bytes 2999990-2999999/${BIG_FILE_BYTES}`, "content-length": "10" },
  },
  {
    name: "HEAD with a range answers 206 without a body",
    method: "HEAD",
    path: notes,
    headers: range("bytes=2-5"),
    status: 206,
    exactly: "",
    answers: { "content-range": "bytes 2-5/36", "content-length": "4" },
  },
  {
    name: "a file that did not change is 304 without a type",
    path: notes,
    headers: [["If-Modified-Since", "Fri, 31 Dec 2100 00:00:00 GMT"]],
    status: 304,
    exactly: "",
    answers: {
      "content-type": null,
      "content-length": null,
      "cache-control": CACHE,
      "last-modified": /GMT$/,
    },
  },
  {
    name: "a file that changed since is 200",
    path: notes,
    headers: [["If-Modified-Since", "Fri, 31 Dec 1999 00:00:00 GMT"]],
    status: 200,
  },
  {
    name: "a failed precondition is 412",
    path: notes,
    headers: [["If-Unmodified-Since", "Fri, 31 Dec 1999 00:00:00 GMT"]],
    status: 412,
    exactly: "",
    answers: { "content-length": "0" },
  },
  {
    name: "If-Match without a tag to match is 412",
    path: notes,
    headers: [["If-Match", '"abc"']],
    status: 412,
  },
  {
    name: "If-Range with an old date answers the whole file",
    path: notes,
    headers: [...range("bytes=2-5"), ["If-Range", "Fri, 31 Dec 1999 00:00:00 GMT"]],
    status: 200,
    answers: { "content-length": "36", "content-range": null },
  },
];

describeTargets("files", (target) => {
  testScenarios(target, [...downloads, ...ranges]);

  test("a 3 MB file arrives byte for byte with its length", async () => {
    const response = await send(target, { path: big(target.world) });
    expect(`${response.status} ${response.framing} ${headOf(response, "content-length")}`).toBe(
      `200 length ${BIG_FILE_BYTES}`,
    );
    expect(response.body.equals(bigBytes(BIG_FILE_BYTES))).toBe(true);
  });

  test("If-Range with the file's own date answers the range", async () => {
    const path = notes(target.world);
    const modified = headOf(await send(target, { path, method: "HEAD" }), "last-modified") ?? "";
    const response = await send(target, { path, headers: [...range("bytes=1-2"), ["If-Range", modified]] });
    expect(`${response.status} ${response.text}`).toBe("206 12");
  });
});
