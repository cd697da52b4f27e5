// A file on its way to a client that is written to disk as it passes. The client gets the same bytes at the same pace;
// when either side breaks off, nothing is kept.
import type { BodySink, BodySource } from "../http/answer.ts";
import { freeBytes } from "../utils/freeBytes.ts";
import type { FileWriter } from "./diskFiles.ts";

/** Bytes that may wait for the disk. */
const WAITING_BYTES_MAX = 2_097_152;

/** Who takes the copy, and who hears of it. */
export interface TeeOptions {
  readonly writer: FileWriter;
  /** Called once all bytes are with the writer; never when the body broke off. */
  readonly onWhole: () => void;
  /** The writer could not take what came; the client gets the rest as if nothing had been copied. */
  readonly onFailed: (error: unknown) => void;
}

export class TeeSource implements BodySource {
  readonly #source: BodySource;
  readonly #options: TeeOptions;
  #waitingBytes = 0;
  #writes: Promise<void> = Promise.resolve();
  #isClientReady = true;
  #isOver = false;
  #hasFailed = false;

  constructor(source: BodySource, options: TeeOptions) {
    this.#source = source;
    this.#options = options;
  }

  start(sink: BodySink): void {
    this.#source.start({
      data: (chunk) => {
        if (!this.#isOver) this.#keep(chunk);
        this.#isClientReady = sink.data(chunk);
        return this.#isFree();
      },
      end: () => {
        sink.end();
        if (this.#isOver) return;
        this.#isOver = true;
        // What fails has its own handler.
        this.#writes.then(this.#options.onWhole, () => undefined);
      },
      fail: (error) => {
        this.#giveUp();
        sink.fail(error);
      },
    });
  }

  resume(): void {
    this.#isClientReady = true;
    if (this.#isFree()) this.#source.resume();
  }

  cancel(): void {
    this.#giveUp();
    this.#source.cancel();
  }

  #isFree(): boolean {
    return this.#isClientReady && (this.#isOver || this.#waitingBytes < WAITING_BYTES_MAX);
  }

  // A copy: whoever sends the chunk frees its memory.
  #keep(chunk: Uint8Array): void {
    const copy = Buffer.allocUnsafeSlow(chunk.length);
    copy.set(chunk);
    this.#waitingBytes += copy.length;
    this.#writes = this.#writes.then(async () => {
      const { length } = copy;
      await this.#options.writer.write(copy);
      freeBytes(copy);
      const wasFree = this.#isFree();
      this.#waitingBytes -= length;
      if (!wasFree && this.#isFree()) this.#source.resume();
    });
    this.#writes.catch((error) => this.#failed(error));
  }

  // Every piece that waits behind the one that failed comes here, too.
  #failed(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#isOver = true;
    this.#drop();
    this.#options.onFailed(error);
    if (this.#isClientReady) this.#source.resume();
  }

  #giveUp(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const drop = (): void => this.#drop();
    this.#writes.then(drop, drop);
  }

  #drop(): void {
    this.#options.writer.drop().catch(() => undefined);
  }
}
