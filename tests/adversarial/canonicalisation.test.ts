// CN1-CN6, SU4: one meaning per request. What could be read two ways is refused before the upstream sees it, and
// what passes is written anew, so that nothing a client adds to it arrives.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { exchange, type WireRequest } from "../support/wire.ts";
import { headOf, type WireResponse } from "../support/wireReader.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { talk } from "./rawClient.ts";
import {
  type RecordedRequest,
  type RecordingUpstream,
  startRecordingUpstream,
  valuesOf,
} from "./rawUpstream.ts";

type Header = readonly [string, string];
const JSON_TYPE: Header = ["Content-Type", "application/json"];

let upstream: RecordingUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startRecordingUpstream();
  // Every row is refused, and whoever sends so many spoilt bodies would be told to wait.
  gateway = startGateway(upstream.url, {
    config: { ratelimit: { isEnabled: false } },
    timeouts: { lingerMs: 200 },
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});
afterEach(() => {
  upstream.requests.length = 0;
  expect(gateway.lines.filter(({ level }) => level === "error")).toEqual([]);
});

const send = (request: WireRequest): Promise<WireResponse> => exchange(gateway.url, request);
const verdict = (answer: WireResponse): string =>
  `${answer.status} ${headOf(answer, "x-hapta-error") ?? "-"}`;

/** Sends a body and expects a refusal that the upstream knows nothing of. */
// biome-ignore lint/complexity/useMaxParams: a row of these tests is easier to read as one line.
const refuses = async (
  path: string,
  body: string | Uint8Array,
  expected: string,
  headers: readonly Header[] = [JSON_TYPE],
) => {
  const answer = await send({ method: "POST", path, headers, body });
  expect(verdict(answer)).toBe(expected);
  expect(upstream.requests.length).toBe(0);
};

/** Sends a request that must arrive, and returns what arrived. */
const arrives = async (request: WireRequest): Promise<RecordedRequest> => {
  const answer = await send(request);
  expect(verdict(answer)).toBe("200 -");
  const [seen, ...more] = upstream.requests;
  if (seen === undefined) throw new Error("nothing arrived");
  expect(more).toEqual([]);
  return seen;
};

const STRUCT_ROUTES = [
  "/api/realtime",
  "/api/collections/users/auth-with-password",
  "/api/collections/users/auth-refresh",
  "/api/collections/users/request-otp",
  "/api/files/token",
];

/** Its body is rebuilt and passed on. */
const STRUCT_PATH = "/api/collections/users/request-otp";

describe("CN1", () => {
  const bodies: Readonly<Record<string, string>> = {
    "two spellings of a member": '{"clientId":"mine","CLIENTID":"victim"}',
    "the same member twice": '{"clientId":"mine","clientId":"victim"}',
    "the same member twice, once escaped": '{"clientId":"mine","\\u0063lientId":"victim"}',
    "a long s that folds": '{"subscriptions":["a"],"\u017fub\u017fcriptions":["b"]}',
    "an escaped long s that folds": '{"subscriptions":["a"],"\\u017fubscriptions":["b"]}',
    "a Kelvin sign that folds": '{"token":"a","to\u212aen":"b"}',
    "a nested duplicate": '{"a":{"b":1,"b":2}}',
    "two values": '{"clientId":"mine"}{"clientId":"victim"}',
    "a value and garbage": '{"clientId":"mine"} x',
    "a byte-order mark": '\ufeff{"clientId":"mine"}',
    "an array": '[{"clientId":"mine"}]',
    "a string": '"clientId"',
    "a comment": '{"clientId":"mine"/* */}',
    "a trailing comma": '{"clientId":"mine",}',
    NaN: '{"clientId":NaN}',
    "a single quote": "{'clientId':'mine'}",
    "a lone surrogate": '{"clientId":"\\ud800"}',
    "a lone surrogate in a name": '{"\\udc00":"x"}',
    "depth 65": `${'{"a":'.repeat(65)}1${"}".repeat(65)}`,
    "depth 100,000": `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
    "10,001 members": `{${Array.from({ length: 10_001 }, (_, i) => `"m${i}":1`).join(",")}}`,
    "250,001 values": `{"a":[${"1,".repeat(250_000)}1]}`,
    "an unfinished value": '{"clientId":',
    "a raw line end in a string": '{"a":"b\nc"}',
  };
  for (const [name, body] of Object.entries(bodies)) {
    test(`refuses ${name}`, async () => {
      for (const path of STRUCT_ROUTES) await refuses(path, body, "400 body_invalid");
    });
  }

  test("refuses invalid UTF-8", async () => {
    for (const path of STRUCT_ROUTES) {
      await refuses(path, Buffer.from('{"clientId":"\xff"}', "latin1"), "400 body_invalid");
      await refuses(path, Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]), "400 body_invalid");
      await refuses(path, Buffer.from('{"a":1}', "utf16le"), "400 body_invalid");
    }
  });

  test("refuses other media types and encodings", async () => {
    for (const type of [
      "text/xml",
      "application/xml",
      "application/xml; charset=utf-8",
      "APPLICATION/XML",
      "text/plain",
      "Application/JSON",
      "application/merge-patch+json",
      "",
    ]) {
      await refuses("/api/realtime", "<clientId>victim</clientId>", "415 media_type_unsupported", [
        ["Content-Type", type],
      ]);
    }
    await refuses("/api/realtime", "{}", "415 media_type_unsupported", []);
    for (const encoding of ["gzip", "br", "x", "identity, gzip"]) {
      await refuses("/api/realtime", "{}", "415 body_encoded", [JSON_TYPE, ["Content-Encoding", encoding]]);
      await refuses("/api/collections/posts/records", "{}", "415 body_encoded", [
        JSON_TYPE,
        ["Content-Encoding", encoding],
      ]);
    }
    await refuses("/api/realtime", "{}", "400 header_invalid", [JSON_TYPE, ["Content-Type", "text/xml"]]);
  });

  test("a query cannot fill the fields of a form", async () => {
    const form = ["--b", 'Content-Disposition: form-data; name="clientId"', "", "mine", "--b--", ""].join(
      "\r\n",
    );
    const multipart: Header = ["Content-Type", "multipart/form-data; boundary=b"];
    const urlencoded: Header = ["Content-Type", "application/x-www-form-urlencoded"];
    for (const query of [
      "clientId=victim",
      "CLIENTID=victim",
      "%63lientId=victim",
      "%C5%BFubscriptions=x",
      "a",
      "expand=x&clientId=v",
    ]) {
      await refuses(`/api/realtime?${query}`, form, "400 body_invalid", [multipart]);
      await refuses(`/api/realtime?${query}`, "clientId=mine", "400 body_invalid", [urlencoded]);
    }
    for (const body of [
      "clientId=mine&clientId=victim",
      "clientId=mine&CLIENTID=victim",
      "clientId=mine&%C5%BFubscriptions=a&subscriptions=b",
      "clientId=%zz",
      "clientId=a;b=c",
      "clientId=\xff",
    ]) {
      await refuses("/api/realtime", Buffer.from(body, "latin1"), "400 body_invalid", [urlencoded]);
    }
    const twice = form.replace(
      "--b--",
      '--b\r\nContent-Disposition: form-data; name="clientid"\r\n\r\nvictim\r\n--b--',
    );
    await refuses("/api/realtime", twice, "400 body_invalid", [multipart]);
  });

  test("what passes arrives as what was checked, once", async () => {
    const body = ' {"clientId" : "a\\u0062c",\n"n": 1.50e+3, "x":{"__proto__":1} , "\u00fc":null}\n';
    const seen = await arrives({ method: "POST", path: STRUCT_PATH, headers: [JSON_TYPE], body });
    expect(seen.body.toString()).toBe('{"clientId":"a\\u0062c","n":1.50e+3,"x":{"__proto__":1},"ü":null}');
    expect(valuesOf(seen, "content-length")).toEqual([String(seen.body.length)]);
  });

  test("a chunked body is judged as a whole and leaves with a length", async () => {
    const seen = await arrives({
      method: "POST",
      path: STRUCT_PATH,
      headers: [JSON_TYPE],
      body: '{"clientId":"a"}',
      chunkBytes: 1,
    });
    expect(seen.body.toString()).toBe('{"clientId":"a"}');
    expect(valuesOf(seen, "transfer-encoding")).toEqual([]);
  });

  test("an empty chunked body is no body", async () => {
    const seen = await arrives({
      method: "POST",
      path: "/api/collections/users/auth-refresh",
      headers: [JSON_TYPE],
      body: "",
      chunkBytes: 1,
    });
    expect(valuesOf(seen, "content-length")).toEqual(["0"]);
    expect(valuesOf(seen, "transfer-encoding")).toEqual([]);
  });
});

describe("CN2, CN3", () => {
  const item = (more: object): string =>
    JSON.stringify({
      requests: [{ method: "POST", url: "/api/collections/posts/records", body: { a: 1 }, ...more }],
    });

  test("headers of batch items that decide something never arrive", async () => {
    const forged = [
      "X-Forwarded-For",
      "x-forwarded-host",
      "Forwarded",
      "X-Real-IP",
      "x-hapta-edge",
      "AuthOrization",
      "X_Real_IP",
      "X.Forwarded.For",
      "X--Real-IP",
      "Connection",
      "Host",
      "Transfer-Encoding",
      "X-HTTP-Method-Override",
      "CF-Connecting-IP",
      "cookie_x",
    ];
    const headers = Object.fromEntries(forged.map((name) => [name, "10.0.0.1"]));
    const seen = await arrives({
      method: "POST",
      path: "/api/batch",
      headers: [JSON_TYPE],
      body: item({ headers: { ...headers, "X-Kept": "yes" } }),
    });
    expect(JSON.parse(seen.body.toString()).requests[0].headers).toEqual({ "X-Kept": "yes" });
    expect(seen.body.toString()).not.toContain("10.0.0.1");
  });

  test.each([
    { name: "a method outside the list", body: item({ method: "TRACE" }) },
    { name: "a lower-case method", body: item({ method: "post" }) },
    { name: "another API", body: item({ url: "/api/settings" }) },
    { name: "an absolute URL", body: item({ url: "http://evil.test/api/collections/posts/records" }) },
    { name: "a dot segment", body: item({ url: "/api/collections/posts/../_superusers/records" }) },
    { name: "an escaped slash", body: item({ url: "/api/collections/posts%2frecords" }) },
    { name: "a batch in a batch", body: item({ url: "/api/batch" }) },
    { name: "a line end in a URL", body: item({ url: "/api/collections/posts/records?a=b\r\nX: y" }) },
    { name: "a line end in a header", body: item({ headers: { "X-A": "b\r\nX: y" } }) },
    { name: "a header in two spellings", body: item({ headers: { "X-A": "b", "x-a": "c" } }) },
    { name: "a URL in two spellings", body: item({ URL: "/api/collections/users/records" }) },
    { name: "requests in two spellings", body: '{"requests":[],"REQUESTS":[]}' },
    { name: "a long s in requests", body: '{"requests":[],"reque\u017fts":[]}' },
  ])("refuses $name", async ({ body }) => {
    const answer = await send({ method: "POST", path: "/api/batch", headers: [JSON_TYPE], body });
    expect(verdict(answer)).toMatch(/^400 (?:batch|body)_invalid$/);
    expect(upstream.requests.length).toBe(0);
  });

  const part = (name: string, value: string): string =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const MULTIPART: Header = ["Content-Type", "multipart/form-data; boundary=b"];
  test.each([
    {
      name: "@jsonPayload twice",
      body: `${part("@jsonPayload", item({}))}${part("@jsonPayload", item({}))}--b--\r\n`,
    },
    {
      name: "@jsonPayload with a duplicate member",
      body: `${part("@jsonPayload", '{"requests":[],"requests":[]}')}--b--\r\n`,
    },
    { name: "@jsonPayload with two values", body: `${part("@jsonPayload", `${item({})}{}`)}--b--\r\n` },
    {
      name: "requests beside @jsonPayload",
      body: `${part("@jsonPayload", item({}))}${part("requests", "[]")}--b--\r\n`,
    },
    { name: "no payload", body: `${part("x", "y")}--b--\r\n` },
    { name: "no final boundary", body: part("@jsonPayload", item({})) },
    { name: "LF line ends", body: `${part("@jsonPayload", item({}))}--b--\r\n`.replaceAll("\r\n", "\n") },
  ])("refuses a form with $name", async ({ body }) => {
    const answer = await send({ method: "POST", path: "/api/batch", headers: [MULTIPART], body });
    expect(answer.status).toBe(400);
    expect(upstream.requests.map(({ requestLine }) => requestLine)).toEqual([]);
  });
});

describe("CN4", () => {
  test.each([
    "/api/collections/us%65rs/records",
    "/api/collections/%75%73%65%72%73/records",
    "/%61%70%69/collections/users/%72ecords",
    "/api/collections/users/records",
  ])("%p is one path", async (path) => {
    const seen = await arrives({ path });
    expect(seen.requestLine).toBe("GET /api/collections/users/records HTTP/1.1");
  });

  test.each([
    "/api/./collections/users/records",
    "/api//collections/users/records",
    "/api/collections/users/../users/records",
    "/api/collections/%2e/users/records",
    "/api/collections/.%2E/users",
    "//",
    "/.",
    "/..",
    "/api/..",
  ])("%p names nothing", async (path) => {
    expect(verdict(await send({ path }))).toBe("404 not_found");
    expect(upstream.requests.length).toBe(0);
  });

  test.each([
    "/a%2fb",
    "/a%2Fb",
    "/a%5cb",
    "/a%00",
    "/a%0d%0aX:%20y",
    "/a%1f",
    "/a%7f",
    "/a%3b",
    "/a;b",
    "/a%",
    "/a%4",
    "/a%zz",
    "/a%%41",
    "/a\\b",
    "/a<b",
    '/a"b',
    "/a^b",
    "/a`b",
    "/a{b}",
    "/a|b",
    "/a#b",
    "*",
    "a",
    "?a",
    "a.test:443",
  ])("%p is invalid", async (path) => {
    expect(verdict(await send({ path }))).toBe("400 path_invalid");
    expect(upstream.requests.length).toBe(0);
  });

  test("other escapes are written one way, and decoded once only", async () => {
    const seen = await arrives({
      path: "/api/collections/users/records/a%c3%bc%2520%25%32%35?q=%41;b=%zz&c=+%20",
    });
    expect(seen.requestLine).toBe(
      "GET /api/collections/users/records/a%C3%BC%2520%2525?q=%41;b=%zz&c=+%20 HTTP/1.1",
    );
  });
});

describe("CN5", () => {
  test("what Connection names is gone, except what Hapta itself says", async () => {
    const seen = await arrives({
      path: "/api/health",
      headers: [
        ["Connection", "close, X-Forwarded-For, Authorization, Host, X-Mine"],
        ["connection", "X-Other,"],
        ["X-Mine", "1"],
        ["x-other", "2"],
        ["X-Kept", "3"],
        ["Authorization", "token"],
        ["X-Forwarded-For", "10.9.9.9"],
      ],
    });
    expect(seen.headers).toEqual([
      ["Host", new URL(upstream.url).host],
      ["X-Kept", "3"],
      ["Authorization", "token"],
      ["X-Forwarded-For", "127.0.0.1"],
    ]);
  });

  test("hop-by-hop and forged names never arrive", async () => {
    const names = [
      "Keep-Alive",
      "Proxy-Connection",
      "Proxy-Authorization",
      "TE",
      "Trailer",
      "Upgrade",
      "HTTP2-Settings",
      "Expect",
      "Via",
      "X-Hapta-Edge",
      "x-HAPTA-anything",
      "X-Real-IP",
      "X_Real_IP",
      "Content_Length",
      "Transfer_Encoding",
      "X.Forwarded.For",
      "X--Forwarded-For",
      "-X-Real-IP",
      "X-Real-IP-",
      "X'Real'IP",
      "CF-Connecting-IP",
      "cf-anything",
      "Fly-Client-IP",
      "True-Client-IP",
      "X-Original-URL",
      "X-Rewrite-URL",
      "X-HTTP-Method-Override",
      "X-Forwarded-Anything",
    ];
    const seen = await arrives({
      path: "/api/health",
      headers: names.map((name): Header => [name, "websocket"]),
    });
    expect(seen.headers.map(([name]) => name)).toEqual(["Host", "X-Forwarded-For"]);
  });

  test("RL7: asking for an upgrade changes nothing", async () => {
    const seen = await arrives({
      path: "/api/health",
      headers: [
        ["Connection", "Upgrade"],
        ["Upgrade", "websocket"],
        ["Sec-WebSocket-Key", "x"],
      ],
    });
    expect(valuesOf(seen, "upgrade")).toEqual([]);
    expect(valuesOf(seen, "connection")).toEqual([]);
  });

  test("a repeated end-to-end header stays repeated, in order and case", async () => {
    const seen = await arrives({
      path: "/api/health",
      headers: [
        ["X-A", "1"],
        ["x-a", "2"],
        ["X-B", ""],
        ["X-A", "\xfc \t x"],
      ],
    });
    expect(seen.headers.slice(1, -1)).toEqual([
      ["X-A", "1"],
      ["x-a", "2"],
      ["X-B", ""],
      ["X-A", "\xfc \t x"],
    ]);
  });
});

describe("CN6", () => {
  const raw = async (bytes: string): Promise<string> => {
    using client = await talk(gateway.port, bytes);
    expect(upstream.requests.length).toBe(0);
    expect(client.text).not.toMatch(/error:|\.ts\b|node:|TypeError|Invalid URL/);
    return `${client.statuses} ${/X-Hapta-Error: (\w+)\r/.exec(client.text)?.[1]}`;
  };
  const get = (line: string, fields: string): string =>
    `${line} HTTP/1.1\r\n${fields}Connection: close\r\n\r\n`;

  test.each([
    { name: "no Host", bytes: get("GET /api/x", "") },
    { name: "two Host fields", bytes: get("GET /api/x", "Host: a\r\nHost: a\r\n") },
    { name: "an empty Host", bytes: get("GET /api/x", "Host:\r\n") },
    { name: "a Host list", bytes: get("GET /api/x", "Host: a, b\r\n") },
    { name: "a user in Host", bytes: get("GET /api/x", "Host: a@b:1/x?\r\n") },
    { name: "a path in Host", bytes: get("GET /api/x", "Host: a/b\r\n") },
    { name: "a port that is none", bytes: get("GET /api/x", "Host: a:http\r\n") },
    { name: "a blank in Host", bytes: get("GET /api/x", "Host: a b\r\n") },
    { name: "a non-ASCII Host", bytes: get("GET /api/x", "Host: \xfc.test\r\n") },
    { name: "an escape in Host", bytes: get("GET /api/x", "Host: a%2eb\r\n") },
    { name: "an unclosed bracket in Host", bytes: get("GET /api/x", "Host: [::1\r\n") },
    { name: "a Host of 300 characters", bytes: get("GET /api/x", `Host: ${"a".repeat(300)}\r\n`) },
  ])("400: $name", async ({ bytes }) => {
    expect(await raw(bytes)).toBe("400 host_invalid");
  });

  test("other forms of the target and other methods", async () => {
    const host = "Host: app.test\r\n";
    expect(await raw(get("GET http://evil.test/api/x", host))).toBe("400 path_invalid");
    expect(await raw(get("GET https://app.test/api/x", host))).toBe("400 path_invalid");
    expect(await raw(get("OPTIONS *", host))).toBe("400 path_invalid");
    for (const method of ["TRACE", "CONNECT", "PROPFIND", "PURGE", "QUERY", "FOO"]) {
      expect(await raw(get(`${method} /api/x`, host))).toBe("405 method_not_allowed");
    }
    expect(await raw(get("CONNECT evil.test:443", host))).toBe("405 method_not_allowed");
  });

  test("421 for a Host that is not on the list", async () => {
    await using strict = startGateway(upstream.url, { config: { Security: { Hosts: ["app.example.com"] } } });
    const status = async (host: string): Promise<number> =>
      (await exchange(strict.url, { path: "/api/x", headers: [["Host", host]] })).status;
    for (const host of [
      "evil.test",
      "app.example.com.evil.test",
      "xapp.example.com",
      "127.0.0.1",
      "app.example.com:80:80",
    ]) {
      expect(`${host} ${await status(host)}`).toMatch(/ 4(?:21|00)$/);
    }
    expect(upstream.requests.length).toBe(0);
    for (const host of ["app.example.com", "APP.example.com:8080", "app.example.com."])
      expect(await status(host)).toBe(200);
  });

  test("the client's Host never decides where a request goes", async () => {
    const seen = await arrives({ path: "/api/x", headers: [["Host", "169.254.169.254"]] });
    expect(valuesOf(seen, "host")).toEqual([new URL(upstream.url).host]);
  });
});

test("SU4: no request carries an Authorization that its client did not send", async () => {
  const rows: readonly (readonly Header[])[] = [
    [],
    [["Authorization", "mine"]],
    [["Authorization", ""]],
    [["Connection", "authorization"]],
  ];
  for (const headers of rows) {
    const seen = await arrives({ path: "/api/x", headers });
    const own = headers
      .filter(([name, value]) => name === "Authorization" && value !== "")
      .map(([, value]) => value);
    expect(valuesOf(seen, "authorization")).toEqual(own);
    upstream.requests.length = 0;
  }
});
