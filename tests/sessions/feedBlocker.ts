// A relay between Hapta and PocketBase that can swallow what PocketBase says on realtime streams, so that Hapta hears of
// no change by itself. Everything else passes, and nothing is closed.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface FeedBlocker extends AsyncDisposable {
  readonly url: string;
  /** From now on no realtime stream, old or new, says anything. */
  block(): void;
  /** Bytes that were swallowed: what Hapta would have heard. */
  swallowed(): number;
}

export const startFeedBlocker = async (upstream: string): Promise<FeedBlocker> => {
  const { hostname, port } = new URL(upstream);
  const sockets = new Set<Socket>();
  let isBlocked = false;
  let bytes = 0;
  const server = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    let isStream = false;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => from.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on("data", (part: Buffer) => {
        // A connection carries other calls until it asks for a stream, and nothing after it.
        if (from === near && part.includes("GET /api/realtime")) isStream = true;
        if (from === far && isStream && isBlocked) bytes += part.length;
        else to.write(part);
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    block: () => {
      isBlocked = true;
    },
    swallowed: () => bytes,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
