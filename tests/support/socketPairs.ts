// Both ends of fresh connections: one as Hapta has it, the other as a client.

import { type Socket as Client, connect } from "node:net";
import type { Socket } from "bun";
import type { WritableSocket } from "../../src/http/outbox.ts";

/** One connection. */
export interface SocketPair {
  readonly socket: Socket<undefined> & WritableSocket;
  readonly client: Client;
  /** What the client has got so far. */
  readonly received: () => Buffer;
}

/** Opens connections until it is disposed of, which closes them. */
export interface SocketPairs extends Disposable {
  readonly open: () => Promise<SocketPair>;
}

/** A listener of its own, and clients for it. */
export const createSocketPairs = (): SocketPairs => {
  const waiting: ((socket: Socket<undefined>) => void)[] = [];
  const clients: Client[] = [];
  const listener = Bun.listen<undefined>({
    hostname: "127.0.0.1",
    port: 0,
    data: undefined,
    socket: { open: (socket) => waiting.shift()?.(socket), data: () => undefined },
  });
  return {
    open: async () => {
      const accepted = new Promise<Socket<undefined>>((resolve) => waiting.push(resolve));
      const client = connect({ host: "127.0.0.1", port: listener.port });
      clients.push(client);
      const parts: Buffer[] = [];
      client.on("data", (part: Buffer) => parts.push(part));
      client.on("error", () => undefined);
      return { socket: await accepted, client, received: () => Buffer.concat(parts) };
    },
    [Symbol.dispose]: () => {
      for (const client of clients) client.destroy();
      listener.stop(true);
    },
  };
};
