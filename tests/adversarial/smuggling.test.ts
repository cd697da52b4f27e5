// HT1, HT3: requests that two parsers could read differently. Each is followed by a canary request in the same
// bytes; the canary must never reach the upstream, and the connection must end.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { RawClient, talk } from "./rawClient.ts";
import { type RecordingUpstream, startRecordingUpstream } from "./rawUpstream.ts";

const CANARY = "GET /canary HTTP/1.1\r\nHost: app.test\r\n\r\n";
const HOST = "Host: app.test\r\n";
const post = (fields: string, body = ""): string => `POST /api/x HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
const chunked = (body: string): string => post("Transfer-Encoding: chunked\r\n", body);

/** Refused from the head alone: nothing at all may reach the upstream. */
const REFUSED_HEADS: Readonly<Record<string, string>> = {
  // CL.TE and TE.CL
  "Content-Length before Transfer-Encoding": post(
    "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "0\r\n\r\n",
  ),
  "Transfer-Encoding before Content-Length": post(
    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "0\r\n\r\n",
  ),
  "Content-Length: 0 with Transfer-Encoding": post(
    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    "0\r\n\r\n",
  ),
  // TE.TE
  "two Transfer-Encoding fields": post(
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "0\r\n\r\n",
  ),
  "two equal Transfer-Encoding fields": post(
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "0\r\n\r\n",
  ),
  "Transfer-Encoding: xchunked": post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
  "Transfer-Encoding: identity": post("Transfer-Encoding: identity\r\nContent-Length: 1\r\n", "x"),
  "Transfer-Encoding: gzip, chunked": post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
  "Transfer-Encoding: chunked, identity": post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
  "Transfer-Encoding: chunked, chunked": post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
  "Transfer-Encoding: chunked;q=1": post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"),
  "Transfer-Encoding in quotes": post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\n"),
  "empty Transfer-Encoding": post("Transfer-Encoding:\r\n", "0\r\n\r\n"),
  "Transfer-Encoding after a vertical tab": post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"),
  "Transfer-Encoding after a NUL": post("Transfer-Encoding: \0chunked\r\n", "0\r\n\r\n"),
  "Transfer-Encoding after a no-break space": post("Transfer-Encoding: \xa0chunked\r\n", "0\r\n\r\n"),
  "Transfer-Encoding with a bare CR": post("Transfer-Encoding: chunked\rX: y\r\n", "0\r\n\r\n"),
  "blank before the colon": post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
  "tab before the colon": post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"),
  "blank before the name": post(" Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
  "folded Transfer-Encoding": post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
  "folded header": post("X-Note: a\r\n b\r\nContent-Length: 0\r\n"),
  "Transfer-Encoding in HTTP/1.0": `POST /api/x HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  // Content-Length
  "two Content-Length fields": post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"),
  "two equal Content-Length fields": post("Content-Length: 1\r\nContent-Length: 1\r\n", "a"),
  "Content-Length list": post("Content-Length: 1, 1\r\n", "a"),
  "Content-Length: +1": post("Content-Length: +1\r\n", "a"),
  "Content-Length: -1": post("Content-Length: -1\r\n", "a"),
  "Content-Length: 0x1": post("Content-Length: 0x1\r\n", "a"),
  "Content-Length: 1e1": post("Content-Length: 1e1\r\n", "a"),
  "Content-Length: 1.0": post("Content-Length: 1.0\r\n", "a"),
  "Content-Length: 1 1": post("Content-Length: 1 1\r\n", "a"),
  "Content-Length: 1_0": post("Content-Length: 1_0\r\n", "a"),
  "Content-Length with an Arabic digit": post("Content-Length: \xd9\xa1\r\n", "a"),
  "empty Content-Length": post("Content-Length:\r\n", "a"),
  "Content-Length over 64 bits": post("Content-Length: 18446744073709551617\r\n", "a"),
  "Content-Length over 53 bits": post("Content-Length: 9007199254740993\r\n", "a"),
  // Line ends and stray bytes
  "bare LF lines": "GET /api/x HTTP/1.1\nHost: app.test\n\n\r\n\r\n",
  "bare LF between fields": `GET /api/x HTTP/1.1\r\n${HOST}X-A: b\nX-C: d\r\n\r\n`,
  "bare CR between fields": `GET /api/x HTTP/1.1\r\n${HOST}X-A: b\rX-C: d\r\n\r\n`,
  "LF before the blank line": `GET /api/x HTTP/1.1\r\n${HOST}X-A: b\n\r\n\r\n`,
  "NUL in a value": `GET /api/x HTTP/1.1\r\n${HOST}X-A: b\0c\r\n\r\n`,
  "NUL in a name": `GET /api/x HTTP/1.1\r\n${HOST}X\0A: b\r\n\r\n`,
  "NUL in the target": `GET /api/\0x HTTP/1.1\r\n${HOST}\r\n`,
  "empty name": `GET /api/x HTTP/1.1\r\n${HOST}: b\r\n\r\n`,
  "line without a colon": `GET /api/x HTTP/1.1\r\n${HOST}nothing\r\n\r\n`,
  "DEL in a value": `GET /api/x HTTP/1.1\r\n${HOST}X-A: \x7f\r\n\r\n`,
  "colon in the method": `GET: /api/x HTTP/1.1\r\n${HOST}\r\n`,
  // Request line
  "two blanks after the method": `GET  /api/x HTTP/1.1\r\n${HOST}\r\n`,
  "two blanks before the version": `GET /api/x  HTTP/1.1\r\n${HOST}\r\n`,
  "blank after the version": `GET /api/x HTTP/1.1 \r\n${HOST}\r\n`,
  "tab in the request line": `GET\t/api/x\tHTTP/1.1\r\n${HOST}\r\n`,
  "blank in the target": `GET /api/x y HTTP/1.1\r\n${HOST}\r\n`,
  "lower-case method": `get /api/x HTTP/1.1\r\n${HOST}\r\n`,
  "blank before the method": ` GET /api/x HTTP/1.1\r\n${HOST}\r\n`,
  "HTTP/0.9": "GET /api/x\r\n\r\n",
  "HTTP/1.2": `GET /api/x HTTP/1.2\r\n${HOST}\r\n`,
  "HTTP/2.0": `GET /api/x HTTP/2.0\r\n${HOST}\r\n`,
  "HTTP/1.10": `GET /api/x HTTP/1.10\r\n${HOST}\r\n`,
  "http/1.1": `GET /api/x http/1.1\r\n${HOST}\r\n`,
  "HTTP/2 preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "two empty lines first": `\r\n\r\nGET /api/x HTTP/1.1\r\n${HOST}\r\n`,
  "LF first": `\nGET /api/x HTTP/1.1\r\n${HOST}\r\n`,
  "raw non-ASCII target": `GET /api/\xc3\xbc HTTP/1.1\r\n${HOST}\r\n`,
  "TLS hello": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
};

/** Broken after the head: the upstream may have seen the beginning, never an end, and never the canary. */
const REFUSED_BODIES: Readonly<Record<string, string>> = {
  "chunk size 0x5": chunked("0x5\r\nabcde\r\n0\r\n\r\n"),
  "chunk size +5": chunked("+5\r\nabcde\r\n0\r\n\r\n"),
  "chunk size -5": chunked("-5\r\nabcde\r\n0\r\n\r\n"),
  "blank before a chunk size": chunked(" 5\r\nabcde\r\n0\r\n\r\n"),
  "blank in a chunk extension": chunked("5; x=y\r\nabcde\r\n0\r\n\r\n"),
  "unclosed quote in a chunk extension": chunked('5;x="y\r\nabcde\r\n0\r\n\r\n'),
  "empty chunk extension": chunked("5;\r\nabcde\r\n0\r\n\r\n"),
  "blank before a chunk extension": chunked("5 ;x=y\r\nabcde\r\n0\r\n\r\n"),
  "blank after a chunk size": chunked("5 \r\nabcde\r\n0\r\n\r\n"),
  "blank inside a chunk size": chunked("5 5\r\nabcde\r\n0\r\n\r\n"),
  "empty chunk size": chunked("\r\nabcde\r\n0\r\n\r\n"),
  "chunk size of 16 digits": chunked("ffffffffffffffff\r\nabcde\r\n0\r\n\r\n"),
  "chunk size of 17 digits": chunked("10000000000000005\r\nabcde\r\n0\r\n\r\n"),
  "chunk size with an underscore": chunked("1_0\r\nabcdefghijklmnop\r\n0\r\n\r\n"),
  "chunk size ended by LF": chunked("5\nabcde\r\n0\r\n\r\n"),
  "chunk size ended by CR": chunked("5\rabcde\r\n0\r\n\r\n"),
  "chunk data ended by LF": chunked("5\r\nabcde\n0\r\n\r\n"),
  "chunk data ended by a letter and LF": chunked("5\r\nabcdex\n0\r\n\r\n"),
  "trailers ended by a letter and LF": chunked("5\r\nabcde\r\n0\r\nx\n"),
  "chunk data longer than its size": chunked("5\r\nabcdefgh\r\n0\r\n\r\n"),
  "chunk data without an end": chunked("5\r\nabcde0\r\n\r\n"),
  "bare LF in a chunk extension": chunked("5;a\nb\r\nabcde\r\n0\r\n\r\n"),
  "bare CR in a chunk extension": chunked("5;a\rb\r\nabcde\r\n0\r\n\r\n"),
  "NUL in a chunk extension": chunked("5;a\0b\r\nabcde\r\n0\r\n\r\n"),
  "chunk extension of 5000 bytes": chunked(`5;${"x".repeat(5000)}\r\nabcde\r\n0\r\n\r\n`),
  "last chunk ended by LF": chunked("5\r\nabcde\r\n0\n\r\n"),
  "trailer that is a request line": chunked(
    "5\r\nabcde\r\n0\r\nGET /canary HTTP/1.1\r\nHost: app.test\r\n\r\n",
  ),
  "trailer with a bare LF": chunked("5\r\nabcde\r\n0\r\nX: a\nY: b\r\n\r\n"),
  "trailer with a NUL": chunked("5\r\nabcde\r\n0\r\nX: a\0b\r\n\r\n"),
  "folded trailer": chunked("5\r\nabcde\r\n0\r\nX: a\r\n b\r\n\r\n"),
  "trailers of 5000 bytes": chunked(`5\r\nabcde\r\n0\r\n${"X: aaaaaaaaaa\r\n".repeat(400)}\r\n`),
};

describe("HT1", () => {
  let upstream: RecordingUpstream;
  let gateway: TestGateway;
  beforeAll(async () => {
    upstream = await startRecordingUpstream();
    gateway = startGateway(upstream.url, { timeouts: { lingerMs: 200 } });
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  for (const [name, bytes] of Object.entries(REFUSED_HEADS)) {
    test(`is refused before the upstream sees a byte: ${name}`, async () => {
      const before = upstream.requests.length;
      using client = await talk(gateway.port, bytes + CANARY);
      expect(client.statuses).toEqual([400]);
      expect(client.text).toMatch(/\r\nX-Hapta-Error: (?:request_malformed|path_invalid)\r\n/);
      expect(client.text).toContain("\r\nConnection: close\r\n");
      expect(upstream.requests.length - before).toBe(0);
      expect(upstream.strayBytes()).toBe(0);
    });
  }

  for (const [name, bytes] of Object.entries(REFUSED_BODIES)) {
    test(`breaks off: ${name}`, async () => {
      const before = upstream.requests.length;
      using client = await talk(gateway.port, bytes + CANARY);
      expect(client.statuses).toEqual([400]);
      expect(client.text).toContain("\r\nX-Hapta-Error: body_invalid\r\n");
      expect(client.text).toContain("\r\nConnection: close\r\n");
      expect(upstream.requests.length - before).toBe(0);
    });
  }

  test("the canary is served behind a good request, so its absence above means something", async () => {
    const before = upstream.requests.length;
    using client = await RawClient.open(gateway.port);
    client.write(chunked("5;a=b\r\nabcde\r\n0\r\nX-Trailer: gone\r\n\r\n") + CANARY);
    await eventually(() => client.statuses.length === 2, 2_000);
    const [first, second] = upstream.requests.slice(before);
    expect(first?.body.toString()).toBe("abcde");
    expect(first?.raw.toString("latin1")).not.toContain("X-Trailer");
    expect(first?.raw.toString("latin1")).not.toContain("a=b");
    expect(second?.requestLine).toBe("GET /canary HTTP/1.1");
  });

  test("the refused bytes are refused however they are cut into packets", async () => {
    for (const bytes of [
      REFUSED_HEADS["two Content-Length fields"],
      REFUSED_BODIES["chunk data ended by LF"],
    ]) {
      const before = upstream.requests.length;
      using client = await RawClient.open(gateway.port);
      for (const byte of (bytes ?? "") + CANARY) {
        if (client.ending !== "open") break;
        client.write(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await client.closed();
      expect(client.statuses).toEqual([400]);
      expect(upstream.requests.length - before).toBe(0);
    }
  });

  test("a body nobody asked for is not read as the next request", async () => {
    const before = upstream.requests.length;
    using client = await RawClient.open(gateway.port);
    client.write(`GET /api/x HTTP/1.1\r\n${HOST}Content-Length: ${CANARY.length}\r\n\r\n`);
    await client.contains("{}");
    client.write(CANARY);
    await client.closed();
    expect(client.statuses).toEqual([200]);
    expect(client.text).toContain("\r\nConnection: close\r\n");
    expect(upstream.requests.slice(before).map(({ requestLine }) => requestLine)).toEqual([
      "GET /api/x HTTP/1.1",
    ]);
    expect(upstream.requests.at(-1)?.raw.toString("latin1")).not.toMatch(/content-length/i);
  });

  test("a body that arrived with a GET is dropped, not executed", async () => {
    const before = upstream.requests.length;
    using client = await RawClient.open(gateway.port);
    client.write(`GET /api/x HTTP/1.1\r\n${HOST}Content-Length: ${CANARY.length}\r\n\r\n${CANARY}`);
    client.write(`GET /api/last HTTP/1.1\r\n${HOST}\r\n`);
    await eventually(() => client.statuses.length === 2, 2_000);
    expect(upstream.requests.slice(before).map(({ requestLine }) => requestLine)).toEqual([
      "GET /api/x HTTP/1.1",
      "GET /api/last HTTP/1.1",
    ]);
  });

  test.each(["00", "000000000000000"])("Content-Length %p is an empty body, at once", async (zero) => {
    using client = await RawClient.open(gateway.port);
    client.write(
      `POST /api/collections/members/request-verification HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: ${zero}\r\n\r\n`,
    );
    await client.contains("200 OK", 2_000);
    expect(client.text).not.toContain("Connection: close");
    expect(upstream.requests.at(-1)?.headers.filter(([name]) => name === "Content-Length")).toEqual([
      ["Content-Length", "0"],
    ]);
  });
});

describe("HT3", () => {
  let upstream: RecordingUpstream;
  let gateway: TestGateway;
  beforeAll(async () => {
    upstream = await startRecordingUpstream();
    gateway = startGateway(upstream.url, { timeouts: { lingerMs: 200 } });
  });
  afterAll(async () => {
    expect(upstream.requests).toEqual([]);
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });
  const get = (target: string, fields = HOST): string =>
    `GET ${target} HTTP/1.1\r\nConnection: close\r\n${fields}\r\n`;

  test.each([
    { name: "two Host fields", bytes: get("/api/x", HOST + HOST), error: "400 host_invalid" },
    {
      name: "17 KB of headers",
      bytes: get("/api/x", `${HOST}X-Big: ${"x".repeat(17_000)}\r\n`),
      error: "431 headers_too_large",
    },
    {
      name: "17 KB without end",
      bytes: `GET /api/x HTTP/1.1\r\nX-Big: ${"x".repeat(17_000)}`,
      error: "431 headers_too_large",
    },
    {
      name: "199 headers",
      bytes: get("/api/x", HOST + "X: y\r\n".repeat(199)),
      error: "431 headers_too_large",
    },
    { name: "9 KB of target", bytes: get(`/api/x?${"x".repeat(9_000)}`), error: "414 uri_too_long" },
  ])("$name", async ({ bytes, error }) => {
    using client = await talk(gateway.port, bytes);
    expect(`${client.statuses} ${/X-Hapta-Error: (\w+)\r/.exec(client.text)?.[1]}`).toBe(error);
  });
});
