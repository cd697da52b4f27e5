// The end of a large answer, which lies in the kernel while its client reads slowly: no deadline of Hapta's loses it.
import { expect, test } from "bun:test";
import { connect } from "node:net";
import { eventually } from "../../tests/support/eventually.ts";
import { Listener } from "./listener.ts";

/** As much as sockets take at once. */
const BODY = Buffer.alloc(1_500_000, "x");
const SOON_MS = 1_000;

/** Asks, reads nothing before Hapta has let the connection go, and then all there is. */
const readLate = async (fields: string): Promise<{ readonly bytes: number; readonly isReset: boolean }> => {
  const listener = new Listener({
    host: "127.0.0.1",
    port: 0,
    connectionsMax: 10,
    handle: () => ({ status: 200, headers: [], body: BODY }),
    refuse: () => ({ status: 400, headers: [], body: null }),
    timeouts: { idleMs: SOON_MS, lingerMs: SOON_MS },
  });
  try {
    const client = connect({ host: "127.0.0.1", port: listener.port });
    const seen = { bytes: 0, isReset: false, isOver: false };
    client.on("data", (part: Buffer) => {
      seen.bytes += part.length;
    });
    client.on("error", () => {
      seen.isReset = true;
    });
    client.on("close", () => {
      seen.isOver = true;
    });
    client.pause();
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    await eventually(() => listener.size === 1, 10_000);
    await eventually(() => listener.size === 0, 10_000);
    client.resume();
    await eventually(() => seen.isOver, 10_000);
    return seen;
  } finally {
    listener.cut();
  }
};

for (const [name, fields] of [
  ["a connection that is kept for further requests", ""],
  ["a connection that ends with its answer", "Connection: close\r\n"],
] as const)
  test(`${name} is closed in time, and its client gets every byte`, async () => {
    const { bytes, isReset } = await readLate(fields);
    expect(isReset).toBe(false);
    expect(bytes).toBeGreaterThan(BODY.length);
  }, 120_000);
