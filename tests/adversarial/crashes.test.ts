// HT6: a bug in any part of the walk becomes a 500 that says nothing, fails closed and spares everybody else.
import { expect, test } from "bun:test";
import type { Pipeline } from "../../src/pipeline.ts";
import type { Services } from "../../src/services.ts";
import { eventually } from "../support/eventually.ts";
import { exchange } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";
import { startGateway } from "./gateway.ts";
import { RawClient } from "./rawClient.ts";
import { startRecordingUpstream } from "./rawUpstream.ts";

const SECRET = "secret-4711 at /etc/passwd";
const boom = (): never => {
  throw new TypeError(SECRET);
};

/** One request per kind of traffic. */
const REQUESTS = [
  { path: "/api/collections/posts/records" },
  { path: "/api/health" },
  { path: "/_/" },
  { path: "/custom" },
  { path: "/api/realtime" },
  { path: "/api/files/a/b/c" },
  {
    method: "POST",
    path: "/api/batch",
    headers: [["Content-Type", "application/json"]] as const,
    body: '{"requests":[]}',
  },
  { method: "POST", path: "/api/collections/users/auth-refresh" },
  { method: "OPTIONS", path: "/api/x" },
];

test.each(["clientOf", "isAdminClient", "pool"])(
  "a bug in %p is a 500 in PocketBase's shape, without a word of it",
  async (part) => {
    await using upstream = await startRecordingUpstream();
    let isBroken = false;
    const breakable = (pool: Services["pool"]): Services["pool"] =>
      new Proxy(pool, {
        get: (real, name) => {
          const value: unknown = Reflect.get(real, name, real);
          if (typeof value !== "function") return value;
          return name === "request" && isBroken ? boom : value.bind(real);
        },
      });
    await using gateway = startGateway(upstream.url, {
      replace: (services) => ({
        ...services,
        ...(part === "pool"
          ? { pool: breakable(services.pool) }
          : {
              [part]: (...args: unknown[]) =>
                isBroken ? boom() : Reflect.apply(Reflect.get(services, part), undefined, args),
            }),
      }),
    });
    const before = await exchange(gateway.url, { path: "/api/health" });
    expect(before.status).toBe(200);
    isBroken = true;
    // Streams of events end at Hapta.
    const requests = REQUESTS.filter(({ path }) => part !== "pool" || path !== "/api/realtime");
    for (const request of requests) {
      const answer = await exchange(gateway.url, request);
      expect(`${request.path} ${answer.status} ${headOf(answer, "x-hapta-error")}`).toBe(
        `${request.path} 500 internal`,
      );
      expect(answer.text).toBe(
        '{"data":{},"message":"Something went wrong while processing your request.","status":500}\n',
      );
      expect(JSON.stringify(answer.headers)).not.toContain("secret");
    }
    expect(upstream.requests.length).toBe(1);
    expect(gateway.lines.filter(({ level }) => level === "error").length).toBe(requests.length);
    isBroken = false;
    expect((await exchange(gateway.url, { path: "/api/health" })).status).toBe(200);
  },
);

test.each([
  { name: "throws", broken: boom },
  { name: "rejects", broken: () => Promise.reject(new TypeError(SECRET)) },
])("a pipeline that $name ends its connection, and only that", async ({ broken }) => {
  await using upstream = await startRecordingUpstream();
  const wrap =
    (pipeline: Pipeline): Pipeline =>
    (request) =>
      request.head.target === "/boom" ? broken() : pipeline(request);
  await using gateway = startGateway(upstream.url, { wrap });
  using bystander = await RawClient.open(gateway.port);
  using client = await RawClient.open(gateway.port);
  client.write("GET /boom HTTP/1.1\r\nHost: app.test\r\n\r\n");
  await client.closed();
  expect(client.receivedBytes).toBe(0);
  bystander.write("GET /api/health HTTP/1.1\r\nHost: app.test\r\n\r\n");
  await bystander.contains("200 OK");
  await eventually(() => gateway.listener.size === 1, 2_000);
});
