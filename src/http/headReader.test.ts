// How heads are found and read, what a connection takes for the same request again, and what it does not keep.
import { expect, test } from "bun:test";
import type { Answer } from "./answer.ts";
import { HeadReader, type HeadReading } from "./headReader.ts";
import type { RequestHead } from "./requestHead.ts";
import { ServerConnection } from "./serverConnection.ts";
import type { WireRequest } from "./wireRequest.ts";

const GET = "GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n";
const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const readOnce = (reader: HeadReader, text: string): HeadReading => reader.read(bytes(text));
const headOf = (reading: HeadReading): RequestHead | undefined =>
  reading.kind === "head" ? reading.head : undefined;
const isRepeat = (reading: HeadReading): boolean => reading.kind === "head" && reading.isRepeat;

test("the very same bytes give the very same head; one bit more or less gives another", () => {
  const reader = new HeadReader();
  const first = readOnce(reader, GET);
  const again = readOnce(reader, GET);
  expect([isRepeat(first), isRepeat(again)]).toEqual([false, true]);
  expect(headOf(again)).toBe(headOf(first));
  expect(readOnce(reader, GET.slice(0, -1)).kind).toBe("incomplete");
  expect(isRepeat(readOnce(reader, `${GET} `))).toBe(false);
  expect(isRepeat(readOnce(reader, GET))).toBe(true);
  expect(isRepeat(readOnce(reader, GET.replace("Host: a", "Host: b")))).toBe(false);
  expect(isRepeat(readOnce(reader, GET))).toBe(false);
  reader.forget();
  expect(isRepeat(readOnce(reader, GET))).toBe(false);
});

test("a long head is not kept, and the one before it is forgotten", () => {
  const reader = new HeadReader();
  const long = GET.replace("Host: a", `Host: a\r\nX-Long: ${"x".repeat(2048)}`);
  readOnce(reader, GET);
  readOnce(reader, long);
  expect(isRepeat(readOnce(reader, long))).toBe(false);
  readOnce(reader, GET);
  readOnce(reader, long);
  expect(isRepeat(readOnce(reader, GET))).toBe(false);
});

test("what comes behind a head is told apart from it, and a head has a bound", () => {
  const reader = new HeadReader();
  const both = readOnce(reader, `\r\n${GET}more`);
  expect(both.kind === "head" && both.rest?.toString()).toBe("more");
  const endless = `GET / HTTP/1.1\r\nX: ${"x".repeat(16_384)}`;
  expect(readOnce(reader, endless)).toEqual({ kind: "refused", reason: "too_large" });
  expect(readOnce(reader, `${endless}\r\n\r\n`)).toEqual({ kind: "refused", reason: "too_large" });
  expect(readOnce(reader, "GET\r\n\r\n")).toEqual({ kind: "refused", reason: "malformed" });
});

const TIMEOUTS = { headMs: 1_000, idleMs: 1_000, stallMs: 1_000, lingerMs: 1_000 };

/** A connection that answers everything at once, and what it was asked. */
const openConnection = () => {
  const asked: WireRequest[] = [];
  let written = "";
  const socket = {
    data: { connection: undefined, peer: undefined },
    remoteAddress: "127.0.0.1",
    write: (part: Uint8Array, from = 0, length = part.length) => {
      written += Buffer.from(part.subarray(from, from + length)).toString("latin1");
      return length;
    },
    pause: () => undefined,
    resume: () => undefined,
    shutdown: () => undefined,
    close: () => undefined,
    terminate: () => undefined,
  };
  const answer = (): Answer => ({ status: 200, headers: [], body: bytes("ok") });
  const handle = (request: WireRequest): Answer => {
    asked.push(request);
    return answer();
  };
  const connection = new ServerConnection(
    socket,
    { handle, refuse: answer, timeouts: TIMEOUTS, takenBytesMin: 1 },
    0,
  );
  return { connection, asked, count: () => written.split("HTTP/1.1 200").length - 1 };
};

test("a connection hands the same head on for a request that is all that came", () => {
  const { connection, asked, count } = openConnection();
  const post = "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
  const other = GET.replace("health", "other");
  // Whole, whole; two at once; in two pieces; with an empty line in front; a body between.
  for (const part of [GET, GET, GET + GET, GET.slice(0, 9), GET.slice(9), `\r\n${GET}`, GET, post, post, GET])
    connection.onData(bytes(part));
  expect(asked.map(({ head, isRepeat }) => `${head.method}${isRepeat ? " again" : ""}`)).toEqual([
    "GET",
    "GET again",
    "GET",
    "GET again",
    "GET again",
    "GET",
    "GET again",
    "POST",
    "POST",
    "GET again",
  ]);
  connection.onData(bytes(other));
  connection.onData(bytes(GET));
  connection.onData(bytes(GET));
  expect(asked.slice(-3).map(({ head, isRepeat }) => `${head.target} ${isRepeat}`)).toEqual([
    "/api/other false",
    "/api/health false",
    "/api/health true",
  ]);
  expect(count()).toBe(asked.length);
});

test("what was kept goes with the sweep of an idle connection", () => {
  const { connection, asked } = openConnection();
  connection.onData(bytes(GET));
  connection.sweep(0);
  connection.onData(bytes(GET));
  expect(asked.map((request) => request.isRepeat)).toEqual([false, false]);
});

test("Connection: close holds for a request that came before without changing its meaning", () => {
  const { connection, asked } = openConnection();
  const closing = GET.replace("Host: a", "Host: a\r\nConnection: close");
  connection.onData(bytes(GET));
  connection.onData(bytes(closing));
  connection.onData(bytes(closing));
  expect(asked.length).toBe(2);
});
