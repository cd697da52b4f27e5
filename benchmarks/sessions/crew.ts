// Clients that ask the same thing over connections that stay open, so many times altogether and then again later: for
// rounds so short that opening connections would be most of them.
import { isWholeAnswer } from "./roundTrips.ts";

export interface Crew extends Disposable {
  /** Lets the clients ask `count` times together, each when it has its last answer. @returns answers other than 200. */
  ask(count: number): Promise<number>;
}

interface Round {
  toSend: number;
  toCome: number;
  failed: number;
  readonly done: () => void;
  readonly fail: (error: Error) => void;
}

/** Opens the connections. @throws Error when it cannot connect. */
export const openCrew = async (url: string, request: string, clients: number): Promise<Crew> => {
  const { hostname, port } = new URL(url);
  const bytes = Buffer.from(request);
  let round: Round | undefined;

  const ask = (socket: Bun.Socket<{ text: string }>): void => {
    if (round === undefined || round.toSend === 0) return;
    round.toSend--;
    socket.data.text = "";
    socket.write(bytes);
  };
  const sockets = await Promise.all(
    Array.from({ length: clients }, () =>
      Bun.connect<{ text: string }>({
        hostname,
        port: Number(port),
        data: { text: "" },
        socket: {
          data: (socket, part) => {
            socket.data.text += part.toString("latin1");
            if (round === undefined || !isWholeAnswer(socket.data.text)) return;
            if (!socket.data.text.startsWith("HTTP/1.1 200")) round.failed++;
            if (--round.toCome === 0) round.done();
            else ask(socket);
          },
          close: () => round?.fail(new Error("a connection was closed")),
        },
      }),
    ),
  );
  return {
    ask: async (count) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const mine: Round = { toSend: count, toCome: count, failed: 0, done: resolve, fail: reject };
      round = mine;
      for (const socket of sockets) {
        socket.data.text = "";
        ask(socket);
      }
      await promise;
      round = undefined;
      return mine.failed;
    },
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.end();
    },
  };
};
