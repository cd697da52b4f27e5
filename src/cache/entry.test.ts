// What may be kept of an answer, and how it leaves: CA9 and CA10 without a server.
import { expect, test } from "bun:test";
import { keptAnswer, toKept } from "./entry.ts";

const BODY = new TextEncoder().encode('{"id":"a"}');
const answer = (...headers: string[]) => ({ status: 200, headers, body: BODY });
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
  expect(kept?.headers).toEqual(["Vary", "Origin", "ETag", kept?.etag ?? ""]);
  expect(kept?.body).toEqual(BODY);
  expect(kept?.body.buffer).not.toBe(BODY.buffer);
  expect(toKept(answer(), new TextEncoder().encode('{"id":"b"}'))?.etag).not.toBe(kept?.etag);
});

test("only a 200 becomes a 304", () => {
  const kept = toKept(answer(), BODY);
  if (kept === undefined) throw new Error("not kept");
  expect(keptAnswer(kept, kept.etag)).toMatchObject({ status: 304, body: null });
  expect(keptAnswer({ ...kept, status: 404 }, kept.etag).status).toBe(404);
  expect(keptAnswer(kept, '"other"').status).toBe(200);
});
