// One TCP (or TLS) connection to the upstream: partial writes, pausing, and whose turn it is.
// Knows nothing of HTTP; a call takes the connection, uses it and gives it back or destroys it.
import type { Socket } from "bun";
import { Outbox } from "../../http/outbox.ts";

/** The party a connection currently works for. */
export interface ConnectionUser {
  onData(chunk: Buffer): void;
  /** All queued bytes are written. */
  onDrain(): void;
  /** @param error - Undefined when the peer ended the connection properly (FIN). */
  onClose(error: Error | undefined): void;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** How long nothing may come until the kernel asks whether the other host is still there. */
const KEEP_ALIVE_AFTER_MS = 5_000;

export class Connection {
  user: ConnectionUser | undefined;
  /** Calls served so far; a fresh connection has 0. */
  served = 0;
  /** Monotonic time of going idle. */
  idleSinceMs = 0;
  isClosed = false;
  #isPaused = false;
  #socket: Socket<Connection> | undefined;
  #outbox: Outbox | undefined;
  readonly #onIdleClose: (connection: Connection) => void;

  private constructor(onIdleClose: (connection: Connection) => void) {
    this.#onIdleClose = onIdleClose;
  }

  /**
   * Connects within `timeoutMs`.
   * @param onIdleClose - Called when the connection closes while nobody uses it.
   * @throws the runtime's error, or a timeout.
   */
  static async open(
    endpoint: Endpoint,
    timeoutMs: number,
    onIdleClose: (connection: Connection) => void,
  ): Promise<Connection> {
    const connection = new Connection(onIdleClose);
    const attempt = Bun.connect<Connection>({
      hostname: endpoint.host,
      port: endpoint.port,
      data: connection,
      ...(endpoint.tls ? { tls: { serverName: endpoint.host } } : {}),
      socket: HANDLERS,
    });
    let timer: Timer | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("connect timed out")), timeoutMs);
    });
    try {
      connection.#socket = await Promise.race([attempt, deadline]);
      // A host that went away in silence is noticed 10 s later: the kernel asks once a second, ten times.
      connection.#socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
      connection.#outbox = new Outbox(connection.#socket);
    } catch (error) {
      // A connection that opens after its deadline is nobody's: close it.
      attempt.then(
        (socket) => socket.terminate(),
        () => undefined,
      );
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return connection;
  }

  /** Writes or queues bytes. @returns false when they wait for the peer; `onDrain` follows. */
  write(bytes: Uint8Array): boolean {
    return this.#outbox?.write(bytes) ?? false;
  }

  /** Like {@link write}, for bytes that nobody else holds: large buffers are freed once they are sent. */
  give(bytes: Uint8Array): boolean {
    return this.#outbox?.give(bytes) ?? false;
  }

  /** Like {@link write}, for a latin1 text with bytes behind it. */
  writeText(text: string, bytes?: Uint8Array): boolean {
    return this.#outbox?.writeText(text, bytes) ?? false;
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket?.resume();
  }

  /** Drops the connection at once; the user hears nothing more. */
  destroy(): void {
    this.user = undefined;
    this.#outbox?.clear();
    this.isClosed = true;
    this.#socket?.terminate();
  }

  flush(): void {
    if (this.#outbox?.flush() === true) this.user?.onDrain();
  }

  closed(error: Error | undefined): void {
    this.isClosed = true;
    this.#outbox?.clear();
    const user = this.user;
    this.user = undefined;
    if (user === undefined) this.#onIdleClose(this);
    else user.onClose(error);
  }

  /** Bytes on a connection nobody uses mean the peer is confused: it is not used again. */
  received(chunk: Buffer): void {
    if (this.user !== undefined) return this.user.onData(chunk);
    this.#onIdleClose(this);
    this.destroy();
  }
}

const HANDLERS = {
  data: (socket: Socket<Connection>, chunk: Buffer) => socket.data.received(chunk),
  drain: (socket: Socket<Connection>) => socket.data.flush(),
  end: (socket: Socket<Connection>) => socket.data.closed(undefined),
  // Without `end` before it, the peer broke the connection off instead of ending it.
  close: (socket: Socket<Connection>, error?: Error) => {
    if (!socket.data.isClosed) socket.data.closed(error ?? new Error("connection reset"));
  },
  error: (socket: Socket<Connection>, error: Error) => {
    if (!socket.data.isClosed) socket.data.closed(error);
    socket.terminate();
  },
};
