// How many connections one peer may have, whatever addresses it has, and that none is kept by a client that takes nothing.
import { test } from "bun:test";
import { connect, type Socket } from "node:net";
import { eventually } from "../../tests/support/eventually.ts";
import { Listener } from "./listener.ts";

test("addresses of one peer share its connections; who has no bound, and who leaves, takes none", async () => {
  const listener = new Listener({
    host: "127.0.0.1",
    port: 0,
    connectionsMax: 100,
    peers: {
      peerOf: (address) => (address === "127.0.0.9" ? undefined : "household"),
      connectionsMax: () => 2,
    },
    handle: () => ({ status: 204, headers: [], body: null }),
    refuse: () => ({ status: 400, headers: [], body: null }),
  });
  const sockets: Socket[] = [];
  const open = (localAddress: string): Socket => {
    const socket = connect({ host: "127.0.0.1", port: listener.port, localAddress });
    socket.on("error", () => undefined);
    sockets.push(socket);
    return socket;
  };
  const first = open("127.0.0.1");
  open("127.0.0.2");
  await eventually(() => listener.size === 2, 5_000);
  const third = open("127.0.0.3");
  await eventually(() => third.closed, 5_000);
  for (let i = 0; i < 3; i++) open("127.0.0.9");
  await eventually(() => listener.size === 5, 5_000);
  first.destroy();
  await eventually(() => listener.size === 4, 5_000);
  open("127.0.0.3");
  await eventually(() => listener.size === 5, 5_000);
  for (const socket of sockets) socket.destroy();
  listener.cut();
});

test("a client that takes nothing of its answer is cut where no rate is asked of it, too", async () => {
  const whole = { status: 200, headers: [], body: new Uint8Array(50_000_000) };
  const listener = new Listener({
    host: "127.0.0.1",
    port: 0,
    connectionsMax: 100,
    timeouts: { stallMs: 100 },
    downloadBytesPerSecondMin: 0,
    handle: () => whole,
    refuse: () => whole,
  });
  const socket = connect({ host: "127.0.0.1", port: listener.port });
  socket.on("error", () => undefined).pause();
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await eventually(() => listener.size === 1, 5_000);
  await eventually(() => listener.size === 0, 5_000);
  socket.destroy();
  listener.cut();
});
