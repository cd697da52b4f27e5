// A TCP proxy that can cut connections, or swallow what PocketBase sends on connections that are already open, as a firewall does
// that has forgotten them: nothing is closed, and new connections work.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A running proxy. */
export interface StallingProxy extends Disposable {
  readonly url: string;
  /** From now on the connections of this moment are mute. */
  stall(): void;
  /** Closes the connections of this moment. */
  cut(): void;
}

/** Starts a proxy before `target` on a free port. @param onPart - Hears what `target` sends. */
export const startStallingProxy = async (
  target: string,
  onPart: (part: Buffer) => void = () => undefined,
): Promise<StallingProxy> => {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let muted = new WeakSet<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.on("data", (part: Buffer) => {
        if (socket === far) onPart(part);
        if (!muted.has(socket)) other.write(part);
      });
    }
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    stall: () => {
      muted = new WeakSet(sockets);
    },
    cut,
    [Symbol.dispose]: () => {
      server.close();
      cut();
    },
  };
};
