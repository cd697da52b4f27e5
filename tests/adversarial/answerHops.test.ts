// What belongs to one hop of an answer stays on it: interim answers, chunk extensions, trailers, hop-by-hop headers
// and whatever `Connection` names. Hostile framings are in hostileUpstream.test.ts.
import { expect, test } from "bun:test";
import { startGateway } from "./gateway.ts";
import { RawClient } from "./rawClient.ts";
import { startRecordingUpstream } from "./rawUpstream.ts";

/** Everything a client gets for a GET when the upstream says `answer`, on a connection that closes behind it. */
const relayed = async (answer: string, path = "/api/x"): Promise<string> => {
  await using upstream = await startRecordingUpstream(() => Buffer.from(answer, "latin1"));
  await using gateway = startGateway(upstream.url, { config: { ratelimit: { isEnabled: false } } });
  using client = await RawClient.open(gateway.port);
  client.write(`GET ${path} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n`);
  await client.closed();
  return client.text;
};

/** Names of the header fields of a single answer, in order. */
const namesIn = (text: string): string[] =>
  text
    .slice(0, text.indexOf("\r\n\r\n"))
    .split("\r\n")
    .slice(1)
    .map((line) => line.slice(0, line.indexOf(":")));

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n";

test("interim answers end here", async () => {
  const text = await relayed(
    "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
  );
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhi$/);
  expect(namesIn(text)).toEqual(["Content-Length", "X-Request-Id", "Date", "Connection"]);
});

test.each([
  ["whole", `${CHUNKED}2;ext=secret\r\nhi\r\n0;last=secret\r\nX-Sum: secret\r\n\r\n`],
  ["as a file", `${CHUNKED}2;ext="secret"\r\nhi\r\n0\r\nX-Sum: secret\r\nSet-Cookie: secret\r\n\r\n`],
])("chunk extensions and trailers end here: %s", async (how, answer) => {
  const text = await relayed(answer, how === "whole" ? "/api/x" : "/api/files/a/b/c.txt");
  expect(text).toContain("hi");
  expect(text).not.toContain("secret");
  expect(text).not.toMatch(/^(?:trailer|x-sum|set-cookie)/im);
});

test("hop-by-hop headers and those that Connection names end here, in any case", async () => {
  const text = await relayed(
    [
      "HTTP/1.1 200 OK",
      "Keep-Alive: timeout=5",
      "Proxy-Connection: keep-alive",
      "Proxy-Authenticate: Basic",
      "TE: trailers",
      "Upgrade: h2c",
      "X-Kept: 1",
      "x-nAMED: hop",
      "X-Also: hop",
      "Connection: X-Named , keep-alive",
      "connection: x-also",
      "Content-Length: 2",
      "",
      "hi",
    ].join("\r\n"),
  );
  expect(namesIn(text)).toEqual(["X-Kept", "Content-Length", "X-Request-Id", "Date", "Connection"]);
  expect(text).toContain("\r\nConnection: close\r\n");
  expect(text).not.toContain("hop");
});

test("an answer's own request id does not pass for Hapta's", async () => {
  const text = await relayed("HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\nContent-Length: 0\r\n\r\n");
  expect(text).not.toContain("theirs");
  expect(namesIn(text).filter((name) => name === "X-Request-Id")).toHaveLength(1);
});
