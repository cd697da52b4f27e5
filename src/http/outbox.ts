// Everything written to a socket goes through here: what the kernel does not take at once waits, in
// order, and whoever writes learns when to pause.

import { freeBytes } from "../utils/freeBytes.ts";
import type { HeadRoom } from "./headRoom.ts";
import { type FileSpan, sendFile } from "./sendFile.ts";

/** The part of a Bun socket this needs. */
export interface WritableSocket {
  /** Its descriptor; -1 from the moment on that it is closed. Bun has it, its types do not. */
  readonly fd?: number;
  /** Takes `length` bytes from `from` on, all that follow unless told. @returns bytes taken; negative when it is closing. */
  write(bytes: Uint8Array, from?: number, length?: number): number;
}

const NOTHING = new Uint8Array(0);

// Where a head and a small body are put together: the kernel copies them at once, so all sockets share one.
const assembly = Buffer.allocUnsafeSlow(65_536);

interface Waiting {
  readonly bytes: Uint8Array;
  /** What `bytes` are the end of, when its memory is to be freed with them. */
  readonly given: Uint8Array | undefined;
}

export class Outbox {
  readonly #socket: WritableSocket;
  /** Absent where nothing ever waited: there are many of these, and most are quiet. */
  #waiting: Waiting[] | undefined;
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
    return this.#put(bytes, undefined);
  }

  /**
   * Like {@link write}, for bytes that nobody else holds: when they are a whole buffer and large, its memory is
   * freed as soon as the kernel has them.
   */
  give(bytes: Uint8Array): boolean {
    return this.#put(bytes, bytes);
  }

  /**
   * Sends bytes of a file that nobody has to read, as many as the kernel takes; none of them ever waits here. Not over TLS:
   * they would leave in the clear.
   * @returns how many; when fewer than asked, the next ones are to be written: a socket tells of room only after that.
   */
  sendFile(span: FileSpan): number {
    const { fd = -1 } = this.#socket;
    return this.#pendingBytes > 0 || fd < 0 ? 0 : sendFile(fd, span);
  }

  /** Like {@link write}, for a latin1 text with bytes behind it, in one piece. */
  writeText(text: string, bytes: Uint8Array = NOTHING): boolean {
    const length = text.length + bytes.length;
    const isShared = length <= assembly.length && this.#pendingBytes === 0;
    const joined = isShared ? assembly : Buffer.allocUnsafeSlow(length);
    joined.write(text, 0, "latin1");
    if (bytes.length > 0) joined.set(bytes, text.length);
    if (!isShared) return this.write(joined);
    const written = Math.max(0, this.#socket.write(joined, 0, length));
    if (written < length) this.#queue(Buffer.from(joined.subarray(written, length)), undefined);
    return written >= length;
  }

  /**
   * Like {@link writeText} for a text in two parts and the same bytes, without copying the bytes: the text is written
   * right in front of them.
   * @param room - Of `bytes`.
   */
  writeInto([start, rest]: readonly [string, string], room: HeadRoom, bytes: Uint8Array): boolean {
    const from = this.#pendingBytes > 0 ? -1 : room.put(start, rest);
    if (from < 0) return this.writeText(start + rest, bytes);
    const textLength = start.length + rest.length;
    const length = textLength + bytes.length;
    const written = Math.max(0, this.#socket.write(room.bytes, from, length));
    if (written === length) return true;
    // The next answer will write over the text.
    if (written < textLength) this.#queue(Buffer.from((start + rest).slice(written), "latin1"), undefined);
    this.#queue(bytes.subarray(Math.max(0, written - textLength)), undefined);
    return false;
  }

  /** Called when the socket can take more. @returns whether nothing waits any longer. */
  flush(): boolean {
    const waiting = this.#waiting ?? [];
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const { bytes, given } = next;
      const written = Math.max(0, this.#socket.write(bytes));
      this.#pendingBytes -= written;
      if (written < bytes.length) {
        waiting[0] = { bytes: bytes.subarray(written), given };
        return false;
      }
      waiting.shift();
      if (given !== undefined) freeBytes(given);
    }
    return true;
  }

  clear(): void {
    this.#waiting = undefined;
    this.#pendingBytes = 0;
  }

  #put(bytes: Uint8Array, given: Uint8Array | undefined): boolean {
    if (this.#pendingBytes === 0) {
      const written = Math.max(0, this.#socket.write(bytes));
      if (written === bytes.length) {
        if (given !== undefined) freeBytes(given);
        return true;
      }
      this.#queue(bytes.subarray(written), given);
    } else {
      this.#queue(bytes, given);
    }
    return false;
  }

  #queue(bytes: Uint8Array, given: Uint8Array | undefined): void {
    this.#waiting ??= [];
    this.#waiting.push({ bytes, given });
    this.#pendingBytes += bytes.length;
  }
}
