// What a client sent and nobody has read yet, within a bound: beyond it, and whenever somebody asks, the socket is not
// read on. Understands none of it.
import type { ClientSocket } from "./connectionOptions.ts";

/** Bytes kept of what a client sends ahead of its answer; then reading stops. */
const AHEAD_BYTES_MAX = 65_536;

export class Inbox {
  readonly #socket: ClientSocket;
  #bytes: Buffer | undefined;
  #isPaused = false;

  constructor(socket: ClientSocket) {
    this.#socket = socket;
  }

  get isEmpty(): boolean {
    return this.#bytes === undefined;
  }

  /** What waits, with a chunk behind it; copies only when something waits. */
  with(chunk: Buffer): Buffer {
    return this.#bytes === undefined ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  /** Keeps these bytes, and nothing else, until more arrive. */
  put(bytes: Buffer): void {
    this.#bytes = bytes;
  }

  /** Keeps bytes behind those that wait; too many stop the reading. */
  add(bytes: Uint8Array): void {
    this.#bytes = this.with(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (this.#bytes.length > AHEAD_BYTES_MAX) this.pause();
  }

  /** What waits; from here on it is the caller's. */
  take(): Buffer | undefined {
    const bytes = this.#bytes;
    this.#bytes = undefined;
    return bytes;
  }

  clear(): void {
    this.#bytes = undefined;
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }
}
