// A file on its way to a client that is written to disk as it passes. The client gets the same bytes at the same pace;
// when either side breaks off, nothing is kept.
import type { BodySink, BodySource } from "../http/answer.ts";
import type { FileWriter } from "./diskFiles.ts";

/** Bytes that may wait for the disk. */
const WAITING_BYTES_MAX = 2_097_152;

export class TeeSource implements BodySource {
  readonly #source: BodySource;
  readonly #writer: FileWriter;
  readonly #onWhole: () => void;
  #waitingBytes = 0;
  #writes: Promise<void> = Promise.resolve();
  #isClientReady = true;
  #isOver = false;

  /** @param onWhole - Called once all bytes are with the writer; never when the body broke off. */
  constructor(source: BodySource, writer: FileWriter, onWhole: () => void) {
    this.#source = source;
    this.#writer = writer;
    this.#onWhole = onWhole;
  }

  start(sink: BodySink): void {
    this.#source.start({
      data: (chunk) => {
        this.#keep(chunk);
        this.#isClientReady = sink.data(chunk);
        return this.#isFree();
      },
      end: () => {
        sink.end();
        if (this.#isOver) return;
        this.#isOver = true;
        this.#writes.then(this.#onWhole, () => this.#writer.drop());
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
    return this.#isClientReady && this.#waitingBytes < WAITING_BYTES_MAX;
  }

  // A copy: whoever sends the chunk frees its memory.
  #keep(chunk: Uint8Array): void {
    const copy = Buffer.allocUnsafeSlow(chunk.length);
    copy.set(chunk);
    this.#waitingBytes += copy.length;
    this.#writes = this.#writes.then(async () => {
      const { length } = copy;
      await this.#writer.write(copy);
      free(copy);
      const wasFree = this.#isFree();
      this.#waitingBytes -= length;
      if (!wasFree && this.#isFree()) this.#source.resume();
    });
    this.#writes.catch(() => undefined);
  }

  #giveUp(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const drop = (): Promise<void> => this.#writer.drop();
    this.#writes.then(drop, drop).catch(() => undefined);
  }
}

// Large buffers are left to the collector for too long otherwise.
const free = ({ buffer }: Uint8Array): void => {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
};
