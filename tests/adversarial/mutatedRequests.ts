// CN8: mutated requests through the real gateway to an upstream that keeps every byte. Whatever was decided about a
// request must be what arrived: method, path, query, headers, body, and nothing besides.
import { expect } from "bun:test";
import fc from "fast-check";
import type { Exchange } from "../../src/exchange.ts";
import { type FieldName, fieldName } from "../../src/http/fieldName.ts";
import { parseRequestHead } from "../../src/http/requestHead.ts";
import type { WireRequest } from "../../src/http/wireRequest.ts";
import { createAdmit } from "../../src/middleware/admit.ts";
import { isPocketBaseShaped, tokenTextOf } from "../../src/utils/jwt.ts";
import { startOwnClock } from "../support/ownTime.ts";
import { startGateway } from "./gateway.ts";
import { RawClient } from "./rawClient.ts";
import { type RecordedRequest, startRecordingUpstream, valuesOf } from "./rawUpstream.ts";

/** How long nothing may happen until a conversation counts as over; longer while a request is under way. */
const QUIET_MS = 3;
const PENDING_MS = 15;
/** And in how many turns of the event loop: a machine that stalls may let so much time pass in one. */
const QUIET_TURNS = 20;
const X_CASE = fieldName("X-Case");

const oneOf = (...values: readonly string[]) => fc.constantFrom(...values);

const method = fc.oneof(
  { weight: 6, arbitrary: oneOf("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS") },
  { weight: 1, arbitrary: oneOf("TRACE", "CONNECT", "get", "G T", "", "FOO") },
);
const segment = fc.oneof(
  oneOf(
    "api",
    "collections",
    "users",
    "us%65rs",
    "records",
    "_superusers",
    "%5f",
    "_",
    "a%c3%bc",
    "%25",
    "a+b",
    "a;b",
    "a,b",
    "auth-refresh",
    "realtime",
    "health",
  ),
  fc.string({ maxLength: 6, unit: fc.constantFrom(..."abz019-._~!$&'()*+,=:@%/\\?#; <>\"\x7f\x00ü") }),
);
const oddTarget = fc
  .tuple(
    oneOf("/", "//", "", "/./", "/../", "http://evil.test/", "/"),
    fc.array(segment, { maxLength: 5 }),
    oneOf("", "?", "?a=1", "?a=%41&b=;c", "?x=y#z", "?%zz", "?a b", "?\xff"),
  )
  .map(([start, segments, query]) => `${start}${segments.join("/")}${query}`);
const plainTarget = fc
  .tuple(
    fc.array(
      oneOf(
        "api",
        "collections",
        "us%65rs",
        "records",
        "a%c3%bc",
        "%25",
        "a+b",
        "health",
        "realtime",
        "auth-refresh",
        "files",
      ),
      { maxLength: 4 },
    ),
    oneOf("", "?", "?a=1", "?a=%41&b=;c", "?%zz"),
  )
  .map(([segments, query]) => `/${segments.join("/")}${query}`);
const target = fc.oneof({ weight: 4, arbitrary: plainTarget }, { weight: 1, arbitrary: oddTarget });
const name = fc.oneof(
  oneOf(
    "X-A",
    "x-a",
    "Accept",
    "Authorization",
    "authorization",
    "Cookie",
    "Connection",
    "connection",
    "X-Forwarded-For",
    "x-forwarded-host",
    "Forwarded",
    "X-Real-IP",
    "X_Real_IP",
    "X.Forwarded.For",
    "Via",
    "Content-Type",
    "Content-Encoding",
    "Upgrade",
    "TE",
    "Trailer",
    "Keep-Alive",
    "Expect",
    "X-Hapta-Edge",
    "CF-Connecting-IP",
    "X-HTTP-Method-Override",
    "Proxy-Connection",
    "Host",
  ),
  fc.string({ maxLength: 8, unit: fc.constantFrom(..."aZ0-_.!#'*+^`|~ :\t\x00\xfc") }),
);
const value = fc.oneof(
  oneOf(
    "close",
    "keep-alive",
    "X-A, close",
    "x-forwarded-for, authorization",
    "Content-Type, X-A",
    "127.0.0.1",
    "10.0.0.1, ::1",
    "application/json",
    "text/plain",
    "token",
    "Bearer a.b.c",
    "a, b",
    "",
    "gzip",
    "100-continue",
    "websocket",
    "\tx ",
    "é\xff",
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ maxLength: 12, unit: fc.constantFrom(...'ab,;="\t \r\n\x00\x7f\x80\xff:') }),
);
const oddField = fc.tuple(name, oneOf(": ", ":", " : ", ":\t"), value).map((parts) => parts.join(""));
/** Well-formed, but about what must not travel on, or what decides something. */
const plainField = fc
  .tuple(
    oneOf(
      "X-A",
      "x-b",
      "Accept",
      "Authorization",
      "Cookie",
      "Connection",
      "X-Forwarded-For",
      "Forwarded",
      "X-Real-IP",
      "X_A",
      "X.A",
      "Via",
      "Upgrade",
      "TE",
      "Keep-Alive",
      "X-Hapta-Edge",
      "CF-Ray",
      "Content-Type",
    ),
    oneOf(
      "close",
      "keep-alive",
      "x-a, x-forwarded-for, authorization",
      "127.0.0.1",
      "10.0.0.1, ::1",
      "application/json",
      "token",
      "",
      "websocket",
      "\xe9\xff",
    ),
  )
  .map((parts) => parts.join(": "));
const field = fc.oneof({ weight: 6, arbitrary: plainField }, { weight: 1, arbitrary: oddField });
const body: fc.Arbitrary<readonly [framing: string, text: string]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(["", ""] as const) },
  {
    weight: 2,
    arbitrary: fc
      .string({ maxLength: 20 })
      .map((text) => [`Content-Length: ${Buffer.byteLength(text, "latin1")}`, text] as const),
  },
  {
    weight: 2,
    arbitrary: oneOf(
      "5\r\nabcde\r\n0\r\n\r\n",
      "0\r\n\r\n",
      "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n",
      "05\r\nabcde\r\n0\r\n\r\n",
      "5\nabcde\n0\n\n",
      "zz\r\n",
    ).map((text) => ["Transfer-Encoding: chunked", text] as const),
  },
  {
    weight: 1,
    arbitrary: fc.constant([
      "Content-Type: application/json\r\nContent-Length: 15",
      '{"a":1,"b":[2]}',
    ] as const),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ["Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"] as const,
      ["Content-Length: 05", "abcde"] as const,
      ["Content-Length: 5, 5", "abcde"] as const,
      ["Content-Length: 50", "short"] as const,
    ),
  },
);
const request = fc
  .record({
    method,
    target,
    version: fc.oneof(
      { weight: 9, arbitrary: fc.constant("HTTP/1.1") },
      oneOf("HTTP/1.0", "HTTP/2.0", "HTTP/1.1 "),
    ),
    fields: fc.array(field, { maxLength: 6 }),
    body,
  })
  .map(({ method: verb, target: path, version, fields, body: [framing, text] }) =>
    [
      `${verb} ${path} ${version}`,
      "Host: app.test",
      ...fields,
      ...(framing === "" ? [] : [framing]),
      "",
      text,
    ].join("\r\n"),
  );
/** Single bytes replaced, inserted or removed anywhere. */
const edits = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.array(
      fc.tuple(
        fc.nat(400),
        fc.constantFrom("", "\r", "\n", "\r\n", " ", "\t", "\0", ":", ",", "a", "\xff"),
        fc.nat(2),
      ),
      { minLength: 1, maxLength: 3 },
    ),
  },
);
const bytes = fc
  .tuple(request, edits)
  .map(([text, changes]) =>
    changes.reduce((now, [at, insert, removed]) => now.slice(0, at) + insert + now.slice(at + removed), text),
  );
/** Up to three in one go, so that one can try to hide in another. */
const conversation = fc.oneof(
  { weight: 3, arbitrary: bytes },
  { weight: 1, arbitrary: fc.array(bytes, { minLength: 2, maxLength: 3 }).map((all) => all.join("")) },
);

// An own idea of what may never arrive, apart from the one copy of Host and X-Forwarded-For that Hapta writes.
const NEVER =
  /^(?:connection|keep-alive|te|trailer|upgrade|expect|via|forwarded|x-real-ip|proxy-(?:connection|authenticate|authorization)|x-forwarded-(?!for$).*|cf-.*|fly-.*|x-hapta-.*|x-http-method(?:-override)?|.*[^a-z0-9-].*|-.*|.*-|.*--.*)$/;

const FRAMING = /^(?:content-length|transfer-encoding)$/i;

/** What must arrive for a decision, framing aside: the request line, then the headers. */
const arrivalOf = (decided: Exchange, authority: string): string[] => {
  const { method: verb, path, query, headers, authorizations, client, route } = decided;
  const lines = [`${verb} ${path}${query === "" ? "" : `?${query}`} HTTP/1.1`, `Host: ${authority}`];
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  // Nobody has a session here, so what arrives is what is no token to anybody; a preflight is asked nothing. OPTIONS of what
  // is the superuser's alone is no preflight.
  const own = route.kind === "preflight" ? "" : (authorizations[0] ?? "");
  if (own !== "" && !isPocketBaseShaped(tokenTextOf(own))) lines.push(`Authorization: ${own}`);
  return [...lines, `X-Forwarded-For: ${client.address}`];
};

const linesOf = ({ requestLine, headers }: RecordedRequest): string[] => [
  requestLine,
  ...headers.filter(([key]) => !FRAMING.test(key)).map(([key, text]) => `${key}: ${text}`),
];

const checkSafety = (seen: RecordedRequest): void => {
  for (const [key, text] of seen.headers) {
    expect(key.toLowerCase()).not.toMatch(NEVER);
    expect(text).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/);
  }
  for (const only of ["host", "x-forwarded-for"])
    expect(seen.headers.filter(([key]) => key.toLowerCase() === only).length).toBe(1);
  expect(seen.requestLine).toMatch(/^[A-Z]+ \/(?!\/)[\x21\x22\x24-\x7e]* HTTP\/1\.1$/);
};

/** Runs `count` conversations. @throws at the first difference, shrunk, with the bytes that showed it. */
export const runMutatedRequests = async (
  count: number,
  seed?: number,
): Promise<{ readonly arrived: number }> => {
  await using upstream = await startRecordingUpstream();
  let decided: Exchange[] = [];
  let tag = "";
  let pending = 0;
  let handled = 0;
  let first: Exchange | undefined;
  await using gateway = startGateway(upstream.url, {
    wrap: (pipeline, services) => {
      const admit = createAdmit(services);
      return async (untagged) => {
        const incoming = withField(untagged, X_CASE, tag);
        pending++;
        const isFirst = handled++ === 0;
        try {
          const exchange = await admit(
            { ...incoming, source: undefined },
            { id: "", startedMs: 0, request: incoming },
          );
          decided.push(exchange);
          if (isFirst) first = exchange;
        } catch {
          // Refused: nothing to compare, and nothing may arrive.
        }
        const answer = await pipeline(incoming);
        pending--;
        return answer;
      };
    },
  });
  const authority = new URL(upstream.url).host;
  let arrived = 0;
  let cases = 0;
  await fc.assert(
    fc.asyncProperty(conversation, async (text) => {
      // A request cut off in one conversation may be read by the upstream during the next. They are told apart by a field
      // that each request gets when it has been read, since what is written may be mutated beyond knowing.
      tag = `case-${++cases}`;
      decided = [];
      handled = 0;
      first = undefined;
      upstream.requests.length = 0;
      {
        using client = await RawClient.open(gateway.port);
        client.write(text);
        await quiet(
          () => `${client.receivedBytes} ${client.ending} ${pending}`,
          () => (client.ending === "open" ? (pending > 0 ? PENDING_MS : QUIET_MS) : 0),
        );
      }
      await calm(
        () => pending === 0 && gateway.services.pool.load.inFlight === 0 && gateway.listener.size === 0,
      );
      let next = 0;
      for (const seen of upstream.requests) {
        if (isTaggedOtherwise(seen, tag)) continue;
        const lines = linesOf(seen);
        next = decided.findIndex((one, i) => i >= next && Bun.deepEquals(arrivalOf(one, authority), lines));
        const decision = decided[next++];
        if (decision === undefined) {
          const decisions = JSON.stringify(decided.map((one) => arrivalOf(one, authority)));
          throw new Error(`arrived: ${JSON.stringify(lines)}, decided: ${decisions}`);
        }
        checkSafety(seen);
        if (decision === first) checkBody(seen, text, decision);
        arrived++;
      }
      expect(gateway.lines.filter(({ level }) => level === "error")).toEqual([]);
    }),
    { numRuns: count, endOnFailure: false, ...(seed === undefined ? {} : { seed }) },
  );
  return { arrived };
};

const withField = (request: WireRequest, name: FieldName, value: string): WireRequest => ({
  ...request,
  // The head is another object now.
  isRepeat: false,
  head: {
    ...request.head,
    names: [...request.head.names, name],
    values: [...request.head.values, value],
  },
});

const isTaggedOtherwise = (seen: RecordedRequest, tag: string): boolean =>
  valuesOf(seen, "x-case").some((value) => value.startsWith("case-") && value !== tag);

/** Waits until `read` has not changed for as long as `patienceMs` says. */
const quiet = async (read: () => string, patienceMs: () => number): Promise<void> => {
  let last = "";
  let since = performance.now();
  let turns = 0;
  while (performance.now() - since < patienceMs() || (turns < QUIET_TURNS && patienceMs() > 0)) {
    const now = read();
    turns++;
    if (now !== last) {
      last = now;
      since = performance.now();
      turns = 0;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** Waits, without pausing, until a condition holds. */
const calm = async (isCalm: () => boolean): Promise<void> => {
  using clock = startOwnClock();
  while (!isCalm()) {
    if (clock.ms() > 20_000) throw new Error("the gateway does not come to rest");
    await new Promise((resolve) => setImmediate(resolve));
  }
};

// The first request of a conversation: its body, decoded a second way from the bytes that were sent.
const checkBody = (seen: RecordedRequest, text: string, decided: Exchange): void => {
  if (decided.route.body === "struct" || decided.route.body === "batch") return;
  const sent = text.replace(/^\r\n/, "");
  const end = sent.indexOf("\r\n\r\n");
  const parsed = parseRequestHead(sent.slice(0, end));
  if (!parsed.ok) throw new Error("a head arrived that does not parse");
  const after = sent.slice(end + 4);
  const { framing } = parsed.head;
  if (framing.kind === "none" || decided.route.body === "drop") expect(seen.body.length).toBe(0);
  else if (framing.kind === "length")
    expect(seen.body.toString("latin1")).toBe(after.slice(0, framing.length));
  else expect(seen.body.toString("latin1")).toBe(dechunk(after));
};

const dechunk = (text: string): string => {
  let whole = "";
  for (let rest = text; ; ) {
    const line = /^([0-9a-fA-F]+)[^\r\n]*\r\n/.exec(rest);
    if (line === null) throw new Error("a chunked body arrived that is none");
    const size = Number.parseInt(line[1] ?? "", 16);
    if (size === 0) return whole;
    whole += rest.slice(line[0].length, line[0].length + size);
    rest = rest.slice(line[0].length + size + 2);
  }
};
