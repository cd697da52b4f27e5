// What an upstream answer's head says, and how its body ends. Hostile ones are in tests/adversarial.
import { describe, expect, test } from "bun:test";
import { parseResponseHead } from "./responseHead.ts";

const parse = (method: string, ...lines: readonly string[]) => parseResponseHead(lines.join("\r\n"), method);

describe("parseResponseHead", () => {
  test("keeps end-to-end headers as sent and drops the others, those that Connection names too", () => {
    const head = parse(
      "GET",
      "HTTP/1.1 200 OK",
      "Set-Cookie: a",
      "set-cookie: b",
      "Connection: X-Hop, keep-alive",
      "X-hop: 1",
      "Keep-Alive: 5",
      "X-Empty:",
      "Content-Length: 2",
      "Trailer: x",
    );
    expect(head).toEqual({
      status: 200,
      headers: ["Set-Cookie", "a", "set-cookie", "b", "X-Empty", "", "Content-Length", "2"],
      framing: { kind: "length", length: 2 },
      keepsAlive: true,
    });
  });

  test("only blanks and tabs around a value go: a UTF-8 byte that looks like a no-break space stays", () => {
    expect(parse("GET", "HTTP/1.1 200 OK", "X: \t voil\xc3\xa0\t")?.headers).toEqual(["X", "voil\xc3\xa0"]);
  });

  test.each([
    ["GET", "HTTP/1.1 200 OK", "Content-Length: 5", "length"],
    ["GET", "HTTP/1.1 200 OK", "Transfer-Encoding: Chunked", "chunked"],
    ["GET", "HTTP/1.1 200 OK", "X: y", "close"],
    ["HEAD", "HTTP/1.1 200 OK", "Content-Length: 5", "none"],
    ["HEAD", "HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "none"],
    ["GET", "HTTP/1.1 204 No Content", "X: y", "none"],
    ["GET", "HTTP/1.1 304 Not Modified", "Content-Length: 5", "none"],
    ["GET", "HTTP/1.1 100 Continue", "X: y", "none"],
  ])("%s, %s, %s: the body ends by %s", (...[method, line, field, kind]) => {
    expect(parse(method, line, field)?.framing.kind).toBe(kind as "none");
  });

  test.each([
    ["HTTP/1.1 200 OK", "Connection: close", false],
    ["HTTP/1.0 200 OK", "X: y", false],
    ["HTTP/1.0 200 OK", "Connection: Keep-Alive", true],
    ["HTTP/1.1 200 OK", "Connection: keep-alive", true],
  ] as const)("%s with %s is kept alive: %p", (...[line, field, keepsAlive]) => {
    expect(parse("GET", line, field, "Content-Length: 0")?.keepsAlive).toBe(keepsAlive);
  });

  test("an answer that ends with its connection does not keep it", () => {
    expect(parse("GET", "HTTP/1.1 200 OK", "Connection: keep-alive")?.keepsAlive).toBe(false);
  });
});
