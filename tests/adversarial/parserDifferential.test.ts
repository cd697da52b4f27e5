// The request parser against an independent one: whatever ours accepts, the HTTP parser behind Bun's node:http accepts
// too, with the same method, target, headers and body, and it finds the next request at the same byte.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import fc from "fast-check";
import { createBodyDecoder } from "../../src/http/bodyDecoder.ts";
import { parseRequestHead, type RequestHead } from "../../src/http/requestHead.ts";
import { canonicalPath } from "../../src/utils/path.ts";
import { eventually } from "../support/eventually.ts";
import { RawClient } from "./rawClient.ts";

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  body: string;
}

const CANARY = "GET /canary HTTP/1.1\r\nHost: canary\r\n\r\n";

let server: Server;
let port = 0;
let seen: Seen[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    const one: Seen = {
      method: request.method ?? "",
      target: request.url ?? "",
      headers: request.rawHeaders,
      body: "",
    };
    request.setEncoding("latin1");
    request.on("data", (part: string) => {
      one.body += part;
    });
    request.on("end", () => {
      seen.push(one);
      response.end("ok");
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address !== null && typeof address === "object") port = address.port;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const oneOf = (...values: readonly string[]) => fc.constantFrom(...values);
const odd = (chars: string, maxLength: number) => fc.string({ maxLength, unit: fc.constantFrom(...chars) });

const line = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: oneOf("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS") },
      odd("GETPOSTget \t:", 6),
    ),
    oneOf(" ", " ", " ", "  ", "\t"),
    fc.oneof(
      oneOf("/", "/a", "/a?b=c", "/a%20b", "*", "http://a.test/x"),
      odd('/a?b=#%20\\"<>^`{|}~\x7f\x80\xff\t ', 12).map((text) => `/${text}`),
    ),
    oneOf(
      " HTTP/1.1",
      " HTTP/1.1",
      " HTTP/1.1",
      " HTTP/1.0",
      " HTTP/1.1 ",
      " HTTP/1.",
      "",
      " http/1.1",
      " HTTP/01.1",
    ),
  )
  .map((parts) => parts.join(""));
const framing = oneOf(
  "Content-Length: 5",
  "content-length:5",
  "Content-Length: 05",
  "Content-Length: 0",
  "Content-Length: 5 ",
  "Content-Length: +5",
  "Content-Length: 5,5",
  "Content-Length: 5\t",
  "Content-Length:\t5",
  "Content-Length: 0x5",
  "Transfer-Encoding: chunked",
  "transfer-encoding:CHUNKED",
  "Transfer-Encoding: chunked ",
  "Transfer-Encoding: \tchunked",
  "Transfer-Encoding: chunked,",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: x, chunked",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding: chunked\x0b",
);
const field = fc.oneof(
  { weight: 3, arbitrary: framing },
  {
    weight: 3,
    arbitrary: oneOf(
      "X-A: b",
      "X-A:",
      "x-a:  c ",
      "Connection: close",
      "Connection: x, Close",
      "Connection: keep-alive",
      "Expect: 100-continue",
      "X-B: \xe9\xff",
      "X-C: a\tb",
      "Cookie: a=b; c=d",
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(odd("aZ0-_.!#$%&'*+^`|~ \t:\x00\xff()", 5), odd("ab \t\r\n\x00\x01\x7f\x80\xff:,", 8))
      .map(([name, value]) => `${name}: ${value}`),
  },
);
const head = fc
  .tuple(
    line,
    fc.array(field, { maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(120), oneOf("", "\r", "\n", " ", "\0", ":", "\r\n "), fc.nat(1)), {
      maxLength: 1,
    }),
  )
  .map(([start, fields, edits]) =>
    edits.reduce(
      (text, [at, insert, removed]) => text.slice(0, at) + insert + text.slice(at + removed),
      [start, "Host: a.test", ...fields].join("\r\n"),
    ),
  );
const chunkedBody = fc.oneof(
  {
    weight: 3,
    arbitrary: oneOf(
      "5\r\nabcde\r\n0\r\n\r\n",
      "0\r\n\r\n",
      "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
      "A\r\n0123456789\r\n0\r\n\r\n",
      "05\r\nabcde\r\n00\r\n\r\n",
      "5;x\r\nabcde\r\n0;y=z\r\n\r\n",
      '5;x="y"\r\nabcde\r\n0\r\nX: y\r\n\r\n',
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.nat(24), oneOf("", "\r", "\n", "\r\n", " ", ";", "0", "x", "\0"), fc.nat(2))
      .map(([at, insert, removed]) => {
        const text = "5;x=y\r\nabcde\r\n2\r\nfg\r\n0\r\nX: y\r\n\r\n";
        return text.slice(0, at) + insert + text.slice(at + removed);
      }),
  },
);

/** Our reading of the body bytes: its content and where it ends; undefined unless it is whole and valid. */
const readBody = (
  { framing: kind }: RequestHead,
  bytes: Buffer,
): { body: string; length: number } | undefined => {
  if (kind.kind === "none") return { body: "", length: 0 };
  const { pieces, state, rest } = createBodyDecoder(kind).push(bytes);
  if (state !== "done") return undefined;
  return { body: Buffer.concat(pieces).toString("latin1"), length: bytes.length - (rest?.length ?? 0) };
};

const trimmedPairs = (flat: readonly string[]): string[] =>
  flat.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text.replace(/^[ \t]+|[ \t]+$/g, "")));

// A server may answer an expectation it does not know with 417, and node does.
const hasOddExpectation = ({ names, values }: RequestHead): boolean =>
  names.some(({ lower }, i) => lower === "expect" && values[i]?.toLowerCase() !== "100-continue");

/** What no later check refuses for its method, target or Host. */
const isRelayed = (head: RequestHead): boolean => {
  const hosts = head.names.filter(({ lower }) => lower === "host").length;
  return hosts === 1 && !hasOddExpectation(head) && isRelayedTarget(head);
};

const isRelayedTarget = ({ method, target }: RequestHead): boolean =>
  ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].includes(method) &&
  canonicalPath(target.split("?", 1)[0] ?? "").kind !== "invalid" &&
  !target.includes("#");

test("whatever our parser accepts, node:http accepts with the same meaning", async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(head, chunkedBody, async (text, chunks) => {
      const parsed = parseRequestHead(text);
      if (!parsed.ok || !isRelayed(parsed.head)) return;
      const { framing: kind, names, values, method, target, keepsAlive } = parsed.head;
      const payload =
        kind.kind === "chunked" ? chunks : kind.kind === "length" ? "x".repeat(kind.length) : "";
      if (payload.length > 10_000) return;
      const read = readBody(parsed.head, Buffer.from(payload + CANARY, "latin1"));
      if (read === undefined) return;
      accepted++;
      seen = [];
      using client = await RawClient.open(port);
      client.write(`${text}\r\n\r\n${payload.slice(0, read.length)}${CANARY}`);
      const wanted = keepsAlive ? 2 : 1;
      await eventually(
        () => seen.length >= wanted || client.text.includes("HTTP/1.1 400") || client.ending !== "open",
        2_000,
      );
      const [first, second] = seen;
      expect({ method: first?.method, target: first?.target, body: first?.body }).toEqual({
        method,
        target,
        body: read.body,
      });
      expect(trimmedPairs(first?.headers ?? [])).toEqual(
        names.flatMap(({ lower }, i) => [lower, values[i] ?? ""]),
      );
      if (keepsAlive) expect(second?.target).toBe("/canary");
    }),
    { numRuns: 10_000 },
  );
  expect(accepted).toBeGreaterThan(200);
}, 60_000);
