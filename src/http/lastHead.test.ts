// The memory of a connection for its last request: what it takes for the same, and what it does not keep.
import { expect, test } from "bun:test";
import type { Answer } from "./answer.ts";
import { LastHead } from "./lastHead.ts";
import { parseRequestHead, type RequestHead } from "./requestHead.ts";
import { ServerConnection } from "./serverConnection.ts";
import type { WireRequest } from "./wireRequest.ts";

const GET = "GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n";
const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const headOf = (text: string): RequestHead => {
  const parsed = parseRequestHead(text.slice(0, -4));
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.head;
};

test("the very same bytes give the very same head; one bit more or less gives none", () => {
  const last = new LastHead();
  const head = headOf(GET);
  last.keep(bytes(GET), head);
  expect(last.of(bytes(GET))).toBe(head);
  expect(last.of(bytes(GET.replace("Host: a", "Host: b")))).toBeUndefined();
  expect(last.of(bytes(`${GET} `))).toBeUndefined();
  expect(last.of(bytes(GET.slice(0, -1)))).toBeUndefined();
  last.forget();
  expect(last.of(bytes(GET))).toBeUndefined();
});

test("a long head is not kept, and the one before it is forgotten", () => {
  const last = new LastHead();
  const long = GET.replace("Host: a", `Host: a\r\nX-Long: ${"x".repeat(2048)}`);
  last.keep(bytes(GET), headOf(GET));
  last.keep(bytes(long), headOf(long));
  expect(last.of(bytes(long))).toBeUndefined();
  expect(last.of(bytes(GET))).toBeUndefined();
});

const TIMEOUTS = { headMs: 1_000, idleMs: 1_000, stallMs: 1_000, lingerMs: 1_000 };

/** A connection that answers everything at once, and what it was asked. */
const openConnection = () => {
  const asked: WireRequest[] = [];
  let written = "";
  const socket = {
    data: { connection: undefined, peer: undefined },
    remoteAddress: "127.0.0.1",
    write: (part: Uint8Array) => {
      written += Buffer.from(part).toString("latin1");
      return part.length;
    },
    pause: () => undefined,
    resume: () => undefined,
    shutdown: () => undefined,
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
  expect(asked.map(({ isRepeat }) => isRepeat)).toEqual([false, false]);
});

test("Connection: close holds for a request that came before without changing its meaning", () => {
  const { connection, asked } = openConnection();
  const closing = GET.replace("Host: a", "Host: a\r\nConnection: close");
  connection.onData(bytes(GET));
  connection.onData(bytes(closing));
  connection.onData(bytes(closing));
  expect(asked.length).toBe(2);
});
