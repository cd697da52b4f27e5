// A part of a file on disk as a body, a piece at a time, at its reader's pace: sent unread where the reader can take it so,
// and read otherwise. Writes nothing.
import { type FileHandle, open } from "node:fs/promises";
import { setImmediate as othersTurn } from "node:timers/promises";
import type { BodySink, BodySource } from "../http/answer.ts";
import { readAtHand } from "../http/sendFile.ts";

const READ_BYTES = 262_144;
/** Sent unread at a time; then everybody else has a turn. */
const SENT_BYTES = 524_288;
/**
 * Read when a reader takes no more unread, so that it says when it does. Enough for its memory to be freed when it is sent,
 * and more than a client must take in a minute by default.
 */
const PROBE_BYTES = 65_536;

/** Bytes `from` up to, without, `to`. */
export interface DiskPart {
  readonly path: string;
  readonly from: number;
  readonly to: number;
  /** Told when they cannot be read. */
  readonly onBroken?: () => void;
}

/** Reads a part of a file, a piece at a time, at its reader's pace. */
export class DiskSource implements BodySource {
  readonly #path: string;
  readonly #to: number;
  readonly #onBroken: (() => void) | undefined;
  #at: number;
  #sink: BodySink | undefined;
  #isPaused = false;
  #isReading = false;
  #isOver = false;
  #handle: FileHandle | undefined;

  constructor({ path, from, to, onBroken }: DiskPart) {
    this.#path = path;
    this.#at = from;
    this.#to = to;
    this.#onBroken = onBroken;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    void this.#flow();
  }

  resume(): void {
    this.#isPaused = false;
    void this.#flow();
  }

  cancel(): void {
    this.#isOver = true;
    if (!this.#isReading) void this.#close();
  }

  async #flow(): Promise<void> {
    if (this.#isReading || this.#sink === undefined) return;
    this.#isReading = true;
    try {
      this.#handle ??= await open(this.#path, "r");
      while (!this.#isOver && !this.#isPaused && this.#at < this.#to)
        await (this.#takePiece(this.#handle) ? othersTurn() : this.#readPiece(this.#handle));
      if (!this.#isOver && this.#at >= this.#to) this.#end(() => this.#sink?.end());
    } catch (error) {
      this.#onBroken?.();
      this.#end(() => this.#sink?.fail(error instanceof Error ? error : new Error(String(error))));
    } finally {
      this.#isReading = false;
      if (this.#isOver) await this.#close();
    }
  }

  // Whether a piece went out with nothing to wait for. The handle is open: nobody closes it before the flow has ended.
  #takePiece({ fd }: FileHandle): boolean {
    const sink = this.#sink;
    if (sink?.sendFile === undefined) return false;
    const length = Math.min(SENT_BYTES, this.#to - this.#at);
    const sent = sink.sendFile({ fd, from: this.#at, length });
    this.#at += sent;
    if (sent === length) return true;
    // What is at hand is had sooner than a reader has taken what it holds; whoever waited for it would come too late.
    const bytes = Buffer.allocUnsafeSlow(Math.min(PROBE_BYTES, this.#to - this.#at));
    const readBytes = readAtHand(fd, this.#at, bytes);
    if (readBytes > 0) this.#give(bytes, readBytes);
    return readBytes > 0;
  }

  async #readPiece(handle: FileHandle): Promise<void> {
    const bytes = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, this.#to - this.#at));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, this.#at);
    if (bytesRead === 0) throw new Error("a kept file is shorter than it was");
    if (!this.#isOver) this.#give(bytes, bytesRead);
  }

  // A buffer of its own for each piece: whoever sends it frees it.
  #give(bytes: Buffer, length: number): void {
    this.#at += length;
    this.#isPaused = this.#sink?.data(bytes.subarray(0, length)) === false;
  }

  #end(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    tell();
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => undefined);
  }
}
