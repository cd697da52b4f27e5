// examples/realtime/realtimeSocket.ts against a real Hapta: what it hears, and that it comes back.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { RealtimeSocket } from "../../examples/realtime/realtimeSocket.ts";
import { ADA, login, logout, type Pair, START_MS, startPair, TEST_MS } from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { startHapta } from "../support/hapta.ts";
import { asRoot, createCollections } from "./support.ts";

setDefaultTimeout(TEST_MS);
let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  await createCollections(pair);
}, START_MS);
afterAll(() => pair[Symbol.asyncDispose](), START_MS);

const create = (collection: string, title: string): Promise<unknown> =>
  asRoot(pair)("POST", `/api/collections/${collection}/records`, { title, owner: IDS.ada });

const start = (url: string, token?: () => string) => {
  const heard: string[] = [];
  const told: string[] = [];
  const socket = new RealtimeSocket({
    url,
    ...(token === undefined ? {} : { token }),
    onGap: () => void told.push("gap"),
    onClose: (code) => void told.push(`closed ${code}`),
  });
  const hear = (data: unknown): void => {
    heard.push((data as { record: { title: string } }).record.title);
  };
  return { socket, heard, told, hear };
};

test("hears, stops hearing, and refuses what Hapta refuses", async () => {
  const { socket, heard, told, hear } = start(pair.url);
  const [stop] = await Promise.all([
    socket.subscribe("rt_public/*", hear),
    socket.subscribe("rt_field/*", hear),
  ]);
  await expect(socket.subscribe("a\nb", hear)).rejects.toThrow("subscription_invalid");
  await create("rt_public", "one");
  await eventually(() => heard.length === 1, 5_000);
  await stop();
  await create("rt_public", "two");
  await socket.subscribe("rt_cross/*", hear);
  expect([heard, told]).toEqual([["one"], []]);
  socket.close();
});

test("comes back after its session has ended, as a guest, and hears of the gap", async () => {
  let token = await login(pair.url, ADA);
  const { socket, heard, told, hear } = start(pair.url, () => token);
  await socket.subscribe("rt_owner/*", hear);
  await socket.subscribe("rt_public/*", hear);
  await create("rt_owner", "hers");
  await eventually(() => heard.length === 1, 5_000);
  await logout(pair.url, token);
  await eventually(() => told.includes("gap"), 5_000);
  expect(told).toEqual(["closed 4401", "gap"]);
  await eventually(async () => {
    await create("rt_owner", "private");
    await create("rt_public", "public");
    return heard.includes("public");
  }, 5_000);
  expect(heard).not.toContain("private");
  token = await login(pair.url, ADA);
  await socket.authenticate();
  await create("rt_owner", "hers again");
  await eventually(() => heard.includes("hers again"), 5_000);
  socket.close();
});

test("comes back after a broken connection with all that it missed, and no gap", async () => {
  await using way = await startWay(pair.url);
  const { socket, heard, told, hear } = start(way.url);
  await socket.subscribe("rt_public/*", hear);
  await socket.subscribe("rt_member/*", hear);
  await create("rt_public", "before");
  await eventually(() => heard.length === 1, 5_000);
  way.cut();
  await eventually(() => told.length === 1, 5_000);
  await create("rt_public", "meanwhile 1");
  await create("rt_public", "meanwhile 2");
  await eventually(() => heard.length === 3, 10_000);
  await create("rt_public", "after");
  await eventually(() => heard.length === 4, 5_000);
  expect(heard).toEqual(["before", "meanwhile 1", "meanwhile 2", "after"]);
  expect(told).toEqual(["closed 1006"]);
  socket.close();
});

/** A way to Hapta that can be cut. */
const startWay = async (url: string): Promise<AsyncDisposable & { readonly url: string; cut(): void }> => {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    near.pipe(far).pipe(near);
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
    },
  };
};

test("comes back after Hapta has restarted", async () => {
  await using first = await startHapta(pair.pb);
  const { socket, heard, told, hear } = start(first.url);
  await socket.subscribe("rt_public/*", hear);
  await first[Symbol.asyncDispose]();
  await using _second = await startHapta(pair.pb, { port: first.port });
  await eventually(() => told.includes("gap"), 15_000);
  expect(told[0]).toBe("closed 1012");
  await eventually(async () => {
    await create("rt_public", "after");
    return heard.includes("after");
  }, 5_000);
  socket.close();
});
