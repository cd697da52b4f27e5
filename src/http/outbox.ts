// Everything written to a socket goes through here: what the kernel does not take at once waits, in
// order, and whoever writes learns when to pause.

/** The part of a Bun socket this needs. */
export interface WritableSocket {
  /** Bytes taken; negative when the socket is closing. */
  write(bytes: Uint8Array): number;
}

const NOTHING = new Uint8Array(0);

// Where a head and a small body are put together: the kernel copies them at once, so all sockets share one.
const assembly = Buffer.allocUnsafeSlow(65_536);

export class Outbox {
  readonly #socket: WritableSocket;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(socket: WritableSocket) {
    this.#socket = socket;
  }

  /** Bytes the kernel has not taken yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Writes or queues. @returns false when bytes wait: pause until {@link flush} reports them gone. */
  write(bytes: Uint8Array): boolean {
    if (this.#pendingBytes === 0) {
      const written = Math.max(0, this.#socket.write(bytes));
      if (written === bytes.length) return true;
      this.#queue(bytes.subarray(written));
    } else {
      this.#queue(bytes);
    }
    return false;
  }

  /** Like {@link write}, for a latin1 text with bytes behind it, in one piece. */
  writeText(text: string, bytes: Uint8Array = NOTHING): boolean {
    const length = text.length + bytes.length;
    const isShared = length <= assembly.length && this.#pendingBytes === 0;
    const joined = isShared ? assembly.subarray(0, length) : Buffer.allocUnsafeSlow(length);
    joined.write(text, 0, "latin1");
    if (bytes.length > 0) joined.set(bytes, text.length);
    if (!isShared) return this.write(joined);
    const written = Math.max(0, this.#socket.write(joined));
    if (written < length) this.#queue(Buffer.from(joined.subarray(written)));
    return written >= length;
  }

  /** Called when the socket can take more. @returns whether nothing waits any longer. */
  flush(): boolean {
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      const written = Math.max(0, this.#socket.write(next));
      this.#pendingBytes -= written;
      if (written < next.length) {
        this.#pending[0] = next.subarray(written);
        return false;
      }
      this.#pending.shift();
    }
    return true;
  }

  clear(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  #queue(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }
}
