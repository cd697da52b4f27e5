// Parity of files: upload, download, ranges, conditions, thumbs, protection and the framing of large bodies.
import { expect, test } from "bun:test";
import { BIG_FILE_BYTES, bigBytes, IDS } from "../support/fixture/records.ts";
import { drawPng } from "../support/fixture/png.ts";
import type { World } from "../support/fixture/load.ts";
import { send, sendForJson, testScenarios, type Scenario } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";
import { exchange } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";

const NOTICES = "/api/collections/notices/records";
const CSP = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox";
const CACHE = "max-age=2592000, stale-while-revalidate=86400";
const NOT_FOUND = '{"data":{},"message":"The requested resource wasn\'t found.","status":404}\n';

const notes = (world: World): string => `/api/files/articles/${IDS.news}/${world.files.notes}`;
const cover = (query: string) => (world: World): string =>
  `/api/files/articles/${IDS.news}/${world.files.cover}${query}`;
const big = (world: World): string => `/api/files/notices/${IDS.bigNotice}/${world.files.big}`;
const scan = (world: World): string => `/api/files/diaries/${IDS.diary}/${world.files.scan}`;
const range = (value: string): (readonly [string, string])[] => [["Range", value]];

const downloads: readonly Scenario[] = [
  { name: "download answers all bytes with length and cache headers", path: notes, status: 200, exactly: "0123456789abcdefghijklmnopqrstuvwxyz", answers: { "accept-ranges": "bytes", "cache-control": CACHE, "content-length": "36", "content-security-policy": CSP, "content-type": "text/plain; charset=utf-8", "content-disposition": /attachment; filename=notes_\w+\.txt$/, "x-frame-options": null, etag: null } },
  { name: "download of an empty file has length zero", path: (w) => `/api/files/articles/${IDS.news}/${w.files.empty}`, status: 200, exactly: "", answers: { "content-length": "0" } },
  { name: "download of an image is shown inline", path: cover(""), status: 200, answers: { "content-type": "image/png", "content-disposition": /inline; filename=bridge_cover_\w+\.png$/ } },
  { name: "download=1 makes an attachment", path: cover("?download=1"), status: 200, answers: { "content-disposition": /attachment; filename=bridge_cover_\w+\.png$/ } },
  { name: "download of an SVG keeps its type and is an attachment", path: (w) => `/api/files/notices/${IDS.bigNotice}/${w.files.svg}`, status: 200, exactly: '<svg xmlns="http://www.w3.org/2000/svg"/>', answers: { "content-type": "image/svg+xml", "content-disposition": /^content-disposition: attachment/ } },
  { name: "HEAD of a file has its headers and no body", method: "HEAD", path: notes, status: 200, exactly: "", answers: { "content-length": "36", "accept-ranges": "bytes", "content-type": "text/plain; charset=utf-8" } },
  { name: "HEAD of a large file has its length", method: "HEAD", path: big, status: 200, answers: { "content-length": String(BIG_FILE_BYTES), "transfer-encoding": null } },
  { name: "an unknown file name is 404", path: `/api/files/notices/${IDS.bigNotice}/nope.bin`, status: 404, exactly: NOT_FOUND },
  { name: "an unknown record is 404", path: "/api/files/notices/nosuchrecord001/nope.bin", status: 404, exactly: NOT_FOUND },
  { name: "a collection may be named by id in file paths", path: (w) => `/api/files/pbc_articles001/${IDS.news}/${w.files.notes}`, status: 200, contains: ["0123456789"] },
  { name: "a listed thumb is made and named", path: cover("?thumb=40x30"), status: 200, answers: { "content-type": "image/png", "content-disposition": /inline; filename=40x30_bridge_cover_\w+\.png$/ } },
  { name: "an unlisted thumb answers the original", path: cover("?thumb=7x7"), status: 200, answers: { "content-disposition": /inline; filename=bridge_cover_/ } },
  { name: "HEAD of a thumb has its length", method: "HEAD", path: cover("?thumb=40x30"), status: 200, answers: { "content-length": /\d+/ } },
];

const ranges: readonly Scenario[] = [
  { name: "a range answers 206", path: notes, headers: range("bytes=2-5"), status: 206, exactly: "2345", answers: { "content-range": "bytes 2-5/36", "content-length": "4" } },
  { name: "a suffix range answers the end", path: notes, headers: range("bytes=-3"), status: 206, exactly: "xyz", answers: { "content-range": "bytes 33-35/36" } },
  { name: "an open range answers the rest", path: notes, headers: range("bytes=30-"), status: 206, exactly: "uvwxyz", answers: { "content-length": "6" } },
  { name: "several ranges answer multipart bytes", path: notes, headers: range("bytes=0-1,5-6"), status: 206, contains: ["Content-Range: bytes 0-1/36\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n01\r\n", "Content-Range: bytes 5-6/36"], answers: { "content-type": /multipart\/byteranges; boundary=/, "content-length": "346" } },
  { name: "a range past the end is 416", path: notes, headers: range("bytes=99-"), status: 416, exactly: "invalid range: failed to overlap\n", answers: { "content-range": "bytes */36", "content-type": "text/plain; charset=utf-8" } },
  { name: "a senseless range is 416", path: notes, headers: range("nonsense"), status: 416, exactly: "invalid range\n" },
  { name: "a range in the middle of a large file", path: big, headers: range("bytes=2999990-2999999"), status: 206, answers: { "content-range": `bytes 2999990-2999999/${BIG_FILE_BYTES}`, "content-length": "10" } },
  { name: "HEAD with a range answers 206 without a body", method: "HEAD", path: notes, headers: range("bytes=2-5"), status: 206, exactly: "", answers: { "content-range": "bytes 2-5/36", "content-length": "4" } },
  { name: "a file that did not change is 304 without a type", path: notes, headers: [["If-Modified-Since", "Fri, 31 Dec 2100 00:00:00 GMT"]], status: 304, exactly: "", answers: { "content-type": null, "content-length": null, "cache-control": CACHE, "last-modified": /GMT$/ } },
  { name: "a file that changed since is 200", path: notes, headers: [["If-Modified-Since", "Fri, 31 Dec 1999 00:00:00 GMT"]], status: 200 },
  { name: "a failed precondition is 412", path: notes, headers: [["If-Unmodified-Since", "Fri, 31 Dec 1999 00:00:00 GMT"]], status: 412, exactly: "", answers: { "content-length": "0" } },
  { name: "If-Match without a tag to match is 412", path: notes, headers: [["If-Match", '"abc"']], status: 412 },
  { name: "If-Range with an old date answers the whole file", path: notes, headers: [...range("bytes=2-5"), ["If-Range", "Fri, 31 Dec 1999 00:00:00 GMT"]], status: 200, answers: { "content-length": "36", "content-range": null } },
];

const guarded: readonly Scenario[] = [
  { name: "a protected file is 404 without a token", path: scan, status: 404, exactly: NOT_FOUND },
  { name: "a protected file ignores the Authorization header", as: "ada", path: scan, status: 404, exactly: NOT_FOUND },
  { name: "a protected file refuses an auth token in the query", path: (w) => `${scan(w)}?token=${w.tokens.ada}`, status: 404, exactly: NOT_FOUND },
];

describeTargets("files", (target) => {
  testScenarios(target, [...downloads, ...ranges, ...guarded]);

  test("a 3 MB file arrives byte for byte with its length", async () => {
    const response = await send(target, { path: big(target.world) });
    expect(`${response.status} ${response.framing} ${headOf(response, "content-length")}`).toBe(`200 length ${BIG_FILE_BYTES}`);
    expect(response.body.equals(bigBytes(BIG_FILE_BYTES))).toBe(true);
  });

  test("If-Range with the file's own date answers the range", async () => {
    const path = notes(target.world);
    const modified = headOf(await send(target, { path, method: "HEAD" }), "last-modified") ?? "";
    const response = await send(target, { path, headers: [...range("bytes=1-2"), ["If-Range", modified]] });
    expect(`${response.status} ${response.text}`).toBe("206 12");
  });

  test("a protected file opens for the file token of who may view it, and for nobody else", async () => {
    const tokenOf = async (as: "ada" | "ben" | "superuser"): Promise<string> =>
      String((await sendForJson(target, { as, method: "POST", path: "/api/files/token" }))["token"]);
    const path = scan(target.world);
    const own = await send(target, { path: `${path}?token=${await tokenOf("ada")}` });
    expect(own.status).toBe(200);
    expect(own.body.equals(drawPng(24, 24))).toBe(true);
    expect((await send(target, { path: `${path}?token=${await tokenOf("superuser")}` })).status).toBe(200);
    expect((await send(target, { path: `${path}?token=${await tokenOf("ben")}` })).text).toBe(NOT_FOUND);
  });

  test("an upload is stored under a cleaned name, replaced, appended to and removed", async () => {
    const formOf = (entries: readonly (readonly [string, string | Blob, string?])[]): FormData => {
      const form = new FormData();
      for (const [name, value, file] of entries) {
        if (typeof value === "string") form.append(name, value);
        else form.append(name, value, file);
      }
      return form;
    };
    const first = formOf([["title", "With file"], ["count", "7"], ["blob", new Blob(["one"]), "My Pic (1).TXT"]]);
    const made = await sendForJson(target, { method: "POST", path: NOTICES, form: first });
    const path = `${NOTICES}/${made["id"]}`;
    expect(made["count"]).toBe(7);
    expect(String(made["blob"])).toMatch(/^my_pic_1_[a-z0-9]{10}\.txt$/i);
    const more = await sendForJson(target, { method: "PATCH", path, form: formOf([["blob+", new Blob(["two"]), "two.txt"]]) });
    const names = more["blob"] as string[];
    expect(names.length).toBe(2);
    const file = await send(target, { path: `/api/files/notices/${made["id"]}/${names[1]}` });
    expect(file.text).toBe("two");
    const fewer = await sendForJson(target, { method: "PATCH", path, json: { "blob-": names[0] } });
    expect(fewer["blob"]).toEqual([names[1]]);
    expect((await send(target, { path: `/api/files/notices/${made["id"]}/${names[0]}` })).text).toBe(NOT_FOUND);
  });

  test("an upload of 3 MB in chunks of unknown length is stored whole", async () => {
    const bytes = bigBytes(3_000_000);
    const form = new FormData();
    form.set("title", "Chunked");
    form.append("blob", new Blob([bytes]), "chunked.bin");
    const carrier = new Response(form);
    const made = await exchange(target.url, {
      method: "POST",
      path: NOTICES,
      headers: [["Content-Type", carrier.headers.get("Content-Type") ?? ""]],
      body: new Uint8Array(await carrier.arrayBuffer()),
      chunkBytes: 50_000,
    });
    const record = JSON.parse(made.text) as { id: string; blob: string[] };
    const stored = await send(target, { path: `/api/files/notices/${record.id}/${record.blob[0]}` });
    expect(stored.body.equals(bytes)).toBe(true);
  });

  test("an upload refused by type or count is a field error", async () => {
    const form = new FormData();
    form.set("title", "Bad cover");
    form.append("cover", new Blob(["no image"]), "cover.png");
    for (let i = 0; i < 5; i++) form.append("attachments", new Blob([`${i}`]), `${i}.txt`);
    const response = await send(target, { as: "ada", method: "POST", path: "/api/collections/articles/records", form });
    expect(response.status).toBe(400);
    expect(response.text).toContain('"cover":{"code":"validation_invalid_mime_type"');
    expect(response.text).toContain('"attachments":{"code":"validation_too_many_files"');
  });
});
