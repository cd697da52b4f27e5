// HT5: an answer that unpacks to a thousand times its size. Hapta unpacks nothing that an upstream sends: where it has
// to look into an answer it refuses the encoding, elsewhere the bytes pass as they are.
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createGzip } from "node:zlib";
import { startGateway } from "./gateway.ts";
import { RawClient } from "./rawClient.ts";
import { startRecordingUpstream } from "./rawUpstream.ts";

setDefaultTimeout(120_000);

/** About 250 KB that unpack to this many bytes. */
const UNPACKED_BYTES = 256_000_000;
/** Far less than the bomb, far more than a busy collector leaves lying about. */
const GROWTH_BYTES_MAX = 128_000_000;

let bomb: Buffer;
beforeAll(async () => {
  const gzip = createGzip({ level: 9 });
  const parts: Buffer[] = [];
  gzip.on("data", (part: Buffer) => parts.push(part));
  const zeros = Buffer.alloc(1_000_000, '{"token":"');
  for (let sent = 0; sent < UNPACKED_BYTES; sent += zeros.length) {
    if (!gzip.write(zeros)) await new Promise((resolve) => gzip.once("drain", resolve));
  }
  gzip.end();
  await new Promise((resolve) => gzip.once("end", resolve));
  bomb = Buffer.concat(parts);
});

/** Sends one request for an answer that is the bomb. @returns what came back, and how much memory grew meanwhile. */
const detonate = async (request: string, framing: "length" | "chunked") => {
  const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n";
  const answer =
    framing === "length"
      ? [`${head}Content-Length: ${bomb.length}\r\n\r\n`, bomb]
      : [`${head}Transfer-Encoding: chunked\r\n\r\n${bomb.length.toString(16)}\r\n`, bomb, "\r\n0\r\n\r\n"];
  const bytes = Buffer.concat(
    answer.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)),
  );
  await using upstream = await startRecordingUpstream(() => bytes);
  await using gateway = startGateway(upstream.url);
  using client = await RawClient.open(gateway.port);
  const before = process.memoryUsage.rss();
  client.write(request);
  await client.closed(10_000);
  return { received: client.received, text: client.text, growth: process.memoryUsage.rss() - before };
};

const LOGIN_BODY = '{"identity":"a","password":"b"}';
const REST = "Host: app.test\r\nConnection: close\r\n";
const get = (path: string): string => `GET ${path} HTTP/1.1\r\n${REST}\r\n`;
const post = (path: string): string =>
  `POST ${path} HTTP/1.1\r\n${REST}Content-Type: application/json\r\n` +
  `Content-Length: ${LOGIN_BODY.length}\r\n\r\n${LOGIN_BODY}`;

const LOOKED_INTO: Readonly<Record<string, string>> = {
  "a login": post("/api/collections/users/auth-with-password"),
  "a refresh": post("/api/collections/users/auth-refresh"),
  "a route of the app's own": get("/custom/x"),
  "records that are read": get("/api/collections/posts/records"),
  "a record that is written": post("/api/collections/posts/records"),
};

for (const framing of ["length", "chunked"] as const) {
  for (const [name, request] of Object.entries(LOOKED_INTO)) {
    test(`HT5: ${name} answered with a bomb (${framing}) is a 502, unopened`, async () => {
      const { text, growth } = await detonate(request, framing);
      expect(text).toStartWith("HTTP/1.1 502 Bad Gateway\r\n");
      expect(text).toContain("\r\nX-Hapta-Error: upstream_invalid\r\n");
      expect(text.length).toBeLessThan(1_000);
      expect(growth).toBeLessThan(GROWTH_BYTES_MAX);
    });
  }
}

test("HT5: a file that is a bomb passes as it is", async () => {
  const { received, growth } = await detonate(get("/api/files/posts/abc/bomb.gz"), "length");
  const from = received.indexOf("\r\n\r\n") + 4;
  expect(received.toString("latin1", 0, from)).toContain("\r\nContent-Encoding: gzip\r\n");
  expect(received.subarray(from).equals(bomb)).toBe(true);
  expect(growth).toBeLessThan(GROWTH_BYTES_MAX);
});
