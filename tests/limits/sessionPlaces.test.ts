// Places that belong to a login: streams of one session and requests under way of one user, with a real PocketBase.
import { expect, test } from "bun:test";
import { connect } from "node:net";
import { ADA, BEN, call, login, sharedPair, verdictOf } from "../sessions/support.ts";
import { openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";

const pair = sharedPair({
  config: {
    ratelimit: { Max: 100_000, Duration: 60_000, isEnabled: true, MaxInFlightPerUser: 2 },
    Realtime: { MaxClientsPerSession: 2 },
  },
});

test("streams a session is subscribed on have a bound; one that closes makes room; other sessions have their own", async () => {
  const [ada, ben] = [await login(pair.url, ADA), await login(pair.url, BEN)];
  const subscribe = async (clientId: string, token: string): Promise<string> =>
    verdictOf(
      await call(pair.url, {
        method: "POST",
        path: "/api/realtime",
        token,
        headers: [["Content-Type", "application/json"]],
        body: JSON.stringify({ clientId, subscriptions: ["notices/*"] }),
      }),
    );
  const first = await openEventStream(pair.url);
  using second = await openEventStream(pair.url);
  using third = await openEventStream(pair.url);
  expect(await subscribe(first.clientId, ada)).toBe("204 -");
  expect(await subscribe(second.clientId, ada)).toBe("204 -");
  expect(await subscribe(third.clientId, ada)).toBe("429 too_many_streams");
  // To change what a stream is subscribed to takes no further place.
  expect(await subscribe(second.clientId, ada)).toBe("204 -");
  expect(await subscribe(third.clientId, ben)).toBe("204 -");
  first[Symbol.dispose]();
  using fourth = await openEventStream(pair.url);
  await eventually(async () => (await subscribe(fourth.clientId, ada)) === "204 -", 5_000);
});

test("requests under way of one user have a bound, from wherever they come", async () => {
  const [ada, ben] = [await login(pair.url, ADA), await login(pair.url, BEN)];
  const { hostname, port } = new URL(pair.url);
  const uploads = [2, 3].map((host) => {
    const socket = connect({ host: hostname, port: Number(port), localAddress: `127.0.0.${host}` });
    socket.on("error", () => undefined);
    socket.write(
      `PATCH /api/collections/members/records/x HTTP/1.1\r\nHost: a\r\nAuthorization: ${ada}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"name":"',
    );
    return socket;
  });
  const list = async (token: string): Promise<string> =>
    verdictOf(await call(pair.url, { path: "/api/collections/notices/records", token }));
  await eventually(async () => (await list(ada)) === "429 too_many_at_once", 5_000);
  expect(await list(ben)).toBe("200 -");
  for (const socket of uploads) socket.destroy();
  await eventually(async () => (await list(ada)) === "200 -", 5_000);
});
