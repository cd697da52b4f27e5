// A client that writes exactly the bytes it is told to, at its own pace, and keeps exactly what comes back.
import { connect, type Socket } from "node:net";
import { eventually } from "../support/eventually.ts";

/** How a connection ended: by FIN, by reset, or not yet. */
export type Ending = "open" | "end" | "reset";

/** A raw connection. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  ending: Ending = "open";
  #parts: Buffer[] = [];
  #bytes = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (part: Buffer) => {
      this.#parts.push(part);
      this.#bytes += part.length;
    });
    socket.on("end", () => {
      if (this.ending === "open") this.ending = "end";
    });
    socket.on("error", () => {
      this.ending = "reset";
    });
  }

  static async open(port: number, localAddress?: string): Promise<RawClient> {
    const options = { host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true };
    const socket = connect(localAddress === undefined ? options : { ...options, localAddress });
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  get received(): Buffer {
    if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0] ?? Buffer.alloc(0);
  }

  get receivedBytes(): number {
    return this.#bytes;
  }

  get text(): string {
    return this.received.toString("latin1");
  }

  /** Status codes of the answers received so far, interim ones included. Bodies must not hold status lines. */
  get statuses(): number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Waits until everything received contains `part`. */
  async contains(part: string, deadlineMs = 3_000): Promise<void> {
    await eventually(() => this.text.includes(part), deadlineMs).catch((cause: unknown) => {
      throw new Error(`no ${JSON.stringify(part)} in ${JSON.stringify(this.text.slice(0, 500))}`, { cause });
    });
  }

  /** Waits for the other side to end the connection. */
  async closed(deadlineMs = 3_000): Promise<Ending> {
    await eventually(() => this.ending !== "open", deadlineMs).catch((cause: unknown) => {
      throw new Error(`still open after ${JSON.stringify(this.text.slice(0, 500))}`, { cause });
    });
    return this.ending;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** Sends bytes on a connection of their own and waits until the other side ends it. */
export const talk = async (
  port: number,
  bytes: string | Uint8Array,
  deadlineMs = 3_000,
): Promise<RawClient> => {
  const client = await RawClient.open(port);
  try {
    client.write(bytes);
    await client.closed(deadlineMs);
    return client;
  } finally {
    client[Symbol.dispose]();
  }
};
