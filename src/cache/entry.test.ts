// What may be kept of an answer, and how it leaves: CA9 and CA10 without a server.
import { expect, test } from "bun:test";
import { keptAnswer, toKept, toVariant } from "./entry.ts";

const BODY = new TextEncoder().encode('{"id":"a"}');
const answer = (...headers: string[]) => ({ status: 200, headers, body: BODY });
const GUEST = { credential: undefined };
const CALLER = { credential: "t" };
const ENCODABLE = { isPublic: true, isEncodable: true };
const TOKEN = `eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.${"a".repeat(80)}.${"b".repeat(43)}`;

test.each([
  ["Set-Cookie", "a=1"],
  ["Cache-Control", "private"],
  ["Cache-Control", "max-age=1, no-store"],
  ["Vary", "Origin, X-Own"],
  ["Vary", "*"],
  ["Content-Encoding", "gzip"],
  ["ETag", '"own"'],
])("CA9 an answer with %s: %s is not kept", (name, value) => {
  expect(toKept(answer(name, value), BODY)).toBeUndefined();
});

test("an answer that holds a token is not kept", () => {
  expect(toKept(answer(), new TextEncoder().encode(`{"token":"${TOKEN}"}`))).toBeUndefined();
});

test("what is kept has an entity tag of its bytes, and bytes of its own", () => {
  const kept = toKept(answer("Vary", "Origin", "Date", "now", "Content-Length", "10"), BODY);
  expect(kept?.headers).toEqual(["Vary", "Origin, Authorization", "ETag", kept?.etag ?? ""]);
  expect(kept?.body).toEqual(BODY);
  expect(kept?.body.buffer).not.toBe(BODY.buffer);
  expect(toKept(answer(), new TextEncoder().encode('{"id":"b"}'))?.etag).not.toBe(kept?.etag);
});

test("only a 200 becomes a 304", () => {
  const kept = toKept(answer(), BODY);
  if (kept === undefined) throw new Error("not kept");
  expect(keptAnswer(kept, GUEST, kept.etag)).toMatchObject({ status: 304, body: null });
  expect(keptAnswer({ ...kept, status: 404 }, GUEST, kept.etag).status).toBe(404);
  expect(keptAnswer(kept, GUEST, '"other"').status).toBe(200);
});

test("whoever asks with a token is told that it is for them alone, and a guest nothing but by what it varies", () => {
  const kept = toKept(answer("Vary", "Origin"), BODY, { isPublic: true });
  const own = toKept(answer("Vary", "Origin"), BODY);
  if (kept === undefined || own === undefined) throw new Error("not kept");
  const fields = ["Vary", "Origin", "ETag", kept.etag];
  const varying = ["Vary", "Origin, Authorization", "ETag", kept.etag];
  const privately = [...varying, "Cache-Control", "private, no-cache"];
  // Twice, as the heads are made at the first time.
  for (const tag of [undefined, undefined, kept.etag, kept.etag]) {
    expect(keptAnswer(kept, GUEST, tag).headers).toEqual(fields);
    expect(keptAnswer(own, GUEST, tag).headers).toEqual(varying);
    for (const one of [kept, own]) {
      const { headers, frame } = keptAnswer(one, CALLER, tag);
      expect([headers, frame?.headers]).toEqual([privately, privately]);
    }
  }
});

const LONG = new TextEncoder().encode(`{"items":["${"a".repeat(2_000)}"]}`);

test("what may leave encoded says so from the start, and nothing else does", () => {
  const vary = (kept: ReturnType<typeof toKept>) => kept?.headers[(kept?.headers.indexOf("Vary") ?? 0) + 1];
  expect(vary(toKept(answer("Vary", "Origin"), LONG, ENCODABLE))).toBe("Origin, Accept-Encoding");
  expect(vary(toKept(answer(), LONG, ENCODABLE))).toBe("Accept-Encoding");
  const [plain, short] = [toKept(answer(), LONG, { isPublic: true }), toKept(answer(), BODY, ENCODABLE)];
  for (const kept of [plain, short])
    expect([kept?.headers.includes("Vary"), kept?.variants]).toEqual([false, undefined]);
});

test("a client that has the answer in any coding gets a 304 with the tag it knows", () => {
  const kept = toKept(answer("Vary", "Origin"), LONG, ENCODABLE);
  if (kept === undefined) throw new Error("not kept");
  const variant = toVariant(kept, "br", BODY);
  expect(variant.etag).toBe(`${kept.etag.slice(0, -1)}-br"`);
  expect(variant.headers).toContain(variant.etag);
  expect(variant.headers).not.toContain(kept.etag);
  const gzip = `${kept.etag.slice(0, -1)}-gzip"`;
  for (const tag of [kept.etag, variant.etag, gzip, `W/${gzip}`])
    for (const given of [kept, variant]) {
      const { status, headers } = keptAnswer(given, GUEST, `"x", ${tag}`);
      expect([status, headers[headers.indexOf("ETag") + 1]]).toEqual([304, tag.replace("W/", "")]);
      expect(headers).not.toContain("Content-Encoding");
    }
  for (const tag of [`${kept.etag.slice(0, -1)}-zstd"`, kept.etag.slice(0, -1), `${kept.etag.slice(0, -2)}"`])
    expect(keptAnswer(variant, GUEST, tag).status).toBe(200);
});
