// What is left of a client connection after its last answer: takes what the client still sends, so that the answer is not
// lost to a reset (RFC 9112 section 9.6), and no more of it than a bound. Answers nothing.
import type { ClientSocket, Connection } from "./connectionOptions.ts";

/** Taken off the network and dropped; the rest waits in the client's and the kernel's buffers. 1 MiB costs 1 ms. */
const TAKEN_BYTES_MAX = 1_048_576;

export class Lingering implements Connection {
  readonly #socket: ClientSocket;
  readonly #untilMs: number;
  #taken = 0;

  /** @param untilMs - Monotonic: when the connection is closed. */
  constructor(socket: ClientSocket, untilMs: number) {
    this.#socket = socket;
    this.#untilMs = untilMs;
    socket.shutdown();
  }

  onData(chunk: Buffer): void {
    this.#taken += chunk.length;
    if (this.#taken > TAKEN_BYTES_MAX) this.#socket.pause();
  }

  // Nothing is written any more, and nobody waits.
  onDrain(): void {}
  onClose(): void {}

  sweep(nowMs: number): void {
    if (nowMs >= this.#untilMs) this.destroy();
  }

  closeWhenDone(): void {
    this.destroy();
  }

  // The end of a large answer may still be on its way to a slow client.
  destroy(): void {
    this.#socket.close();
  }
}
