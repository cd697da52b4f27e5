// Kept-alive upstream connections that turn out dead: a GET goes out once more, a write never does.
import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { startGateway, type TestGateway } from "../adversarial/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../adversarial/rawUpstream.ts";
import { eventually } from "../support/eventually.ts";
import { exchange, type WireRequest } from "../support/wire.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

interface Stage extends AsyncDisposable {
  readonly upstream: RawUpstream;
  readonly gateway: TestGateway;
  /** Request lines with the number of their connection. */
  readonly log: readonly string[];
}

/** An upstream that answers the first request of a connection and does `onSecond` at its next. */
const setStage = async (onSecond: (socket: Socket) => void, firstConnections = 1): Promise<Stage> => {
  const log: string[] = [];
  const upstream = await startRawUpstream((socket, connection) => {
    let count = 0;
    socket.on("data", (part: Buffer) => {
      log.push(`${connection} ${part.toString().split(" ", 1)[0]}`);
      if (++count > 1 && connection < firstConnections) onSecond(socket);
      else socket.write(OK);
    });
  });
  const gateway = startGateway(upstream.url);
  await exchange(gateway.url, { path: "/api/warm" });
  return {
    upstream,
    gateway,
    log,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
};

const WAYS: Readonly<Record<string, (socket: Socket) => void>> = {
  reset: (socket) => socket.resetAndDestroy(),
  FIN: (socket) => socket.end(),
};

for (const [way, leave] of Object.entries(WAYS)) {
  test.each(["GET", "HEAD"])(`${way}: %s is sent once more, on a fresh connection`, async (method) => {
    await using stage = await setStage(leave);
    const answer = await exchange(stage.gateway.url, { method, path: "/api/x" });
    expect(answer.status).toBe(200);
    expect(stage.log).toEqual(["0 GET", `0 ${method}`, `1 ${method}`]);
  });

  const BODY = { headers: [["Content-Type", "application/json"]], body: "{}" } as const;
  test.each<WireRequest & { readonly name: string }>([
    { name: "POST with a body", method: "POST", path: "/api/x", ...BODY },
    { name: "POST without a body", method: "POST", path: "/api/x" },
    { name: "PUT", method: "PUT", path: "/api/x", ...BODY },
    { name: "PATCH", method: "PATCH", path: "/api/x", ...BODY },
    { name: "DELETE", method: "DELETE", path: "/api/x" },
    { name: "a rebuilt POST", method: "POST", path: "/api/collections/users/request-otp", ...BODY },
    { name: "a chunked POST", method: "POST", path: "/api/x", ...BODY, chunkBytes: 1 },
  ])(`${way}: $name is never sent twice`, async (request) => {
    await using stage = await setStage(leave);
    const answer = await exchange(stage.gateway.url, request);
    expect(answer.status).toBe(502);
    expect(stage.log.filter((line) => !line.endsWith(" GET")).length).toBe(1);
    expect(stage.upstream.accepted()).toBe(1);
    expect(stage.gateway.services.pool.load.inFlight).toBe(0);
  });
}

test("a GET is sent at most twice, even when the fresh connection dies too", async () => {
  const log: string[] = [];
  await using upstream = await startRawUpstream((socket, connection) => {
    let count = 0;
    socket.on("data", () => {
      log.push(String(connection));
      if (connection === 0 && ++count === 1) socket.write(OK);
      else socket.resetAndDestroy();
    });
  });
  await using gateway = startGateway(upstream.url);
  await exchange(gateway.url, { path: "/api/warm" });
  const answer = await exchange(gateway.url, { path: "/api/x" });
  expect(answer.status).toBe(502);
  expect(log).toEqual(["0", "0", "1"]);
  expect(gateway.services.pool.load.inFlight).toBe(0);
});

test("a GET whose answer had begun is not sent again", async () => {
  await using stage = await setStage((socket) =>
    socket.write("HTTP/1.1 200 OK\r\nCont", () => socket.resetAndDestroy()),
  );
  const answer = await exchange(stage.gateway.url, { path: "/api/x" });
  expect(answer.status).toBe(502);
  expect(stage.log).toEqual(["0 GET", "0 GET"]);
});

test("idle connections that close are forgotten before anybody meets them", async () => {
  await using stage = await setStage((socket) => socket.end());
  for (const socket of stage.upstream.open) socket.end();
  await eventually(() => stage.upstream.open.size === 0, 2_000);
  const answer = await exchange(stage.gateway.url, { method: "POST", path: "/api/x" });
  expect(answer.status).toBe(200);
  expect(stage.log).toEqual(["0 GET", "1 POST"]);
});
