// Parity of what apps add themselves: custom routes, odd headers, cookies, redirects, streams, and CORS.
import { expect, test } from "bun:test";
import { openEventStream } from "../support/eventStream.ts";
import { type Scenario, send, testScenarios } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";
import { headOf } from "../support/wireReader.ts";

const ORIGIN: readonly [string, string] = ["Origin", "https://app.example"];

const routes: readonly Scenario[] = [
  {
    name: "a custom route is relayed",
    path: "/custom/hello",
    status: 200,
    exactly: "hello",
    answers: { "content-type": "text/plain; charset=utf-8", "content-length": "5" },
  },
  {
    name: "a custom route answers HEAD",
    method: "HEAD",
    path: "/custom/hello",
    status: 200,
    exactly: "",
    answers: { "content-length": "5" },
  },
  { name: "a custom route is 404 for other methods", method: "POST", path: "/custom/hello", status: 404 },
  {
    name: "a custom route with a path parameter and PUT",
    method: "PUT",
    path: "/custom/things/a%20b%C3%BC",
    json: {},
    status: 200,
    exactly: '{"method":"PUT","name":"a bü"}\n',
  },
  {
    name: "a custom route gets body, type and query as sent",
    method: "POST",
    path: "/custom/echo?a=1&b=%20x+y&a=2&c",
    headers: [["Content-Type", "text/odd; v=1"]],
    body: "\u0000 bytes \r\n ü",
    status: 200,
    exactly: "\u0000 bytes \r\n ü",
    answers: { "x-echo-type": "text/odd; v=1", "x-echo-query": "a=1&b=%20x+y&a=2&c" },
  },
  {
    name: "a custom route gets an empty body",
    method: "POST",
    path: "/custom/echo",
    status: 200,
    exactly: "",
    answers: { "content-type": "application/octet-stream" },
  },
  {
    name: "a custom route gets a chunked body",
    method: "POST",
    path: "/custom/echo",
    headers: [["Content-Type", "a/b"]],
    body: "some chunked text",
    chunkBytes: 5,
    status: 200,
    exactly: "some chunked text",
  },
  {
    name: "a redirect is passed on, relative as it is, not followed",
    path: "/custom/redirect",
    status: 302,
    exactly: "",
    answers: { location: "hello?from=redirect" },
  },
  {
    name: "a stream arrives whole and chunked",
    path: "/custom/stream",
    status: 200,
    exactly: "part 0\npart 1\npart 2\npart 3\npart 4\n",
  },
  { name: "a slow answer arrives", path: "/custom/slow?ms=300", status: 200, exactly: "slow" },
  {
    name: "a large body without a known length arrives whole",
    path: "/custom/bytes?n=300000",
    status: 200,
    exactly: "x".repeat(300_000),
  },
  ...[201, 203, 400, 401, 409, 418, 429, 500, 503].map(
    (code): Scenario => ({
      name: `an answer of ${code} from a custom route is passed on`,
      path: `/custom/status/${code}`,
      status: code,
      exactly: "status body",
    }),
  ),
];

const cors: readonly Scenario[] = [
  {
    name: "an answer to a request with an origin allows any",
    path: "/api/health",
    headers: [ORIGIN],
    status: 200,
    answers: { "access-control-allow-origin": "*", vary: "Origin", "access-control-allow-credentials": null },
  },
  {
    name: "an answer without an origin has no CORS headers",
    path: "/api/health",
    status: 200,
    answers: { "access-control-allow-origin": null, vary: "Origin" },
  },
  {
    name: "an error to a request with an origin allows any",
    path: "/api/nope",
    headers: [ORIGIN],
    status: 404,
    answers: { "access-control-allow-origin": "*" },
  },
  {
    name: "a preflight is 204 and echoes the asked headers",
    method: "OPTIONS",
    path: "/api/collections/notices/records",
    headers: [
      ORIGIN,
      ["Access-Control-Request-Method", "PATCH"],
      ["Access-Control-Request-Headers", "authorization,x-y"],
    ],
    status: 204,
    exactly: "",
    answers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
      "access-control-allow-headers": "authorization,x-y",
      "access-control-max-age": null,
      "content-length": null,
      "content-type": null,
    },
  },
  {
    name: "OPTIONS without an origin is 204",
    method: "OPTIONS",
    path: "/any/path",
    status: 204,
    exactly: "",
    answers: { "access-control-allow-origin": null },
  },
];

describeTargets("custom routes and CORS", (target) => {
  testScenarios(target, [...routes, ...cors]);

  test("cookies set twice stay two headers, odd and empty headers stay", async () => {
    const response = await send(target, { path: "/custom/cookies" });
    const named = (wanted: string): string[] =>
      response.headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
    expect(named("set-cookie")).toEqual(["first=1; Path=/", "second=two words; Path=/; HttpOnly"]);
    expect(named("x-odd.header_name")).toEqual(['spaced\tvalue ; "quoted"']);
    expect(named("x-empty")).toEqual([""]);
  });

  test("a stream's parts arrive when they are sent, not when it ends", async () => {
    using stream = await openEventStream(target.url, { path: "/custom/drip?ms=600" });
    expect(stream.text()).toBe("first\n\n");
    await stream.contains("last\n\n");
  });

  test("request headers of an app reach its hooks with duplicates, and PocketBase's own host", async () => {
    const headers: (readonly [string, string])[] = [
      ["X-App", "one"],
      ["x-app", "two"],
      ["Accept-Language", "de, en;q=0.5"],
      ["User-Agent", "app/1 (odd; agent)"],
      ["Cookie", "theme=dark"],
      ["X-Latin", "caf\u00e9"],
    ];
    const response = await send(target, {
      path: "/custom/headers?names=X-App,Accept-Language,User-Agent,Cookie",
      headers,
    });
    const { host, seen } = JSON.parse(response.text) as { host: string; seen: Record<string, string[]> };
    // Behind Hapta it is the address that Hapta was told.
    expect(host).toBe(new URL(target.upstreamUrl).host);
    expect(seen).toEqual({
      "Accept-Language": ["de, en;q=0.5"],
      Cookie: ["theme=dark"],
      "User-Agent": ["app/1 (odd; agent)"],
      "X-App": ["one", "two"],
    });
  });

  test("an answer to HTTP/1.1 is HTTP/1.1 with a date and PocketBase's safety headers", async () => {
    const response = await send(target, { path: "/custom/hello" });
    expect(`${response.version} ${response.status} ${response.reason}`).toBe("HTTP/1.1 200 OK");
    expect(response.headers.filter(([name]) => name.toLowerCase() === "date").length).toBe(1);
    expect(headOf(response, "x-content-type-options")).toBe("nosniff");
    expect(headOf(response, "x-frame-options")).toBe("SAMEORIGIN");
    expect(headOf(response, "x-xss-protection")).toBe("1; mode=block");
  });
});
