// Listens on TCP and keeps every client connection: their number, their deadlines, their end.
import type { Socket, TCPSocketListener } from "bun";
import { holdMoment, letMomentGo } from "../utils/moment.ts";
import type { ConnectionOptions, Handle, Refuse, SocketData, Timeouts } from "./connectionOptions.ts";
import { ServerConnection } from "./serverConnection.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Further connections are closed at once. */
  readonly connectionsMax: number;
  readonly peers?: PeerBound;
  readonly handle: Handle;
  readonly refuse: Refuse;
  readonly timeouts?: Partial<Timeouts>;
  /** What a client must take of its answer while more is waiting, on average over a stall's time; 0: anything. */
  readonly downloadBytesPerSecondMin?: number;
}

/** Bounds the connections of one peer; further ones are closed at once. */
export interface PeerBound {
  /** With whom a socket's address counts; undefined for one that may have any number. */
  readonly peerOf: (address: string) => string | undefined;
  readonly connectionsMax: () => number;
}

const TIMEOUTS: Timeouts = { headMs: 10_000, idleMs: 60_000, stallMs: 60_000, lingerMs: 2_000 };
const SWEEP_MS = 500;
const DRAIN_POLL_MS = 20;

const NOT_TAKEN: SocketData = { connection: undefined, peer: undefined };

export class Listener {
  readonly #connections = new Set<SocketData>();
  readonly #server: TCPSocketListener<SocketData>;
  readonly #sweeper: Timer;

  /** Starts listening. @throws the system's error (port taken, no such address). */
  constructor(options: ListenOptions) {
    const { handle, refuse, downloadBytesPerSecondMin = 0 } = options;
    const timeouts = { ...TIMEOUTS, ...options.timeouts };
    const takenBytesMin = Math.max(1, (downloadBytesPerSecondMin * timeouts.stallMs) / 1000);
    const connectionOptions: ConnectionOptions = { handle, refuse, timeouts, takenBytesMin };
    const connections = this.#connections;
    const { peers } = options;
    // Open connections of each peer that has a bound.
    const ofPeer = new Map<string, number>();
    const isCrowded = (peer: string | undefined): boolean =>
      peer !== undefined && peers !== undefined && (ofPeer.get(peer) ?? 0) >= peers.connectionsMax();
    const closed = ({ data }: Socket<SocketData>): void => {
      const { peer, connection } = data;
      if (connections.delete(data) && peer !== undefined) {
        const left = (ofPeer.get(peer) ?? 1) - 1;
        if (left > 0) ofPeer.set(peer, left);
        else ofPeer.delete(peer);
      }
      connection?.onClose();
    };
    this.#server = Bun.listen<SocketData>({
      hostname: options.host,
      port: options.port,
      data: NOT_TAKEN,
      socket: {
        open: (socket) => {
          // A client that reset before we looked has no address any more: there is nobody to serve.
          const address: string | undefined = socket.remoteAddress;
          const isFull = connections.size >= options.connectionsMax;
          const peer = address === undefined ? undefined : peers?.peerOf(address);
          if (address === undefined || isFull || isCrowded(peer)) {
            socket.data = NOT_TAKEN;
            socket.terminate();
            return;
          }
          socket.setNoDelay(true);
          const connection = new ServerConnection(socket, connectionOptions, performance.now());
          socket.data = { connection, peer };
          if (peer !== undefined) ofPeer.set(peer, (ofPeer.get(peer) ?? 0) + 1);
          connections.add(socket.data);
        },
        data: receive,
        drain: (socket) => socket.data.connection?.onDrain(),
        end: closed,
        close: closed,
        error: (socket) => {
          closed(socket);
          socket.terminate();
        },
      },
    });
    this.#sweeper = setInterval(() => {
      const nowMs = performance.now();
      for (const { connection } of connections) connection?.sweep(nowMs);
    }, SWEEP_MS);
    this.#sweeper.unref();
  }

  get port(): number {
    return this.#server.port;
  }

  /** Open client connections. */
  get size(): number {
    return this.#connections.size;
  }

  /** Stops accepting, lets requests finish until the deadline, ends endless answers, then cuts the rest. */
  async drain(deadlineMs: number): Promise<void> {
    this.#server.stop(false);
    for (const { connection } of this.#connections) connection?.closeWhenDone();
    const endMs = performance.now() + deadlineMs;
    while (this.#connections.size > 0 && performance.now() < endMs) await Bun.sleep(DRAIN_POLL_MS);
    this.cut();
  }

  /** Cuts everything now. */
  cut(): void {
    clearInterval(this.#sweeper);
    this.#server.stop(true);
    for (const { connection } of this.#connections) connection?.destroy();
    this.#connections.clear();
  }
}

const receive = ({ data }: Socket<SocketData>, chunk: Buffer): void => {
  holdMoment();
  try {
    data.connection?.onData(chunk);
  } finally {
    letMomentGo();
  }
};
