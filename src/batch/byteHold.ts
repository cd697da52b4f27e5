// Bytes kept until they can be used. Copies into blocks, because a client that sends one byte at a time
// would otherwise make every byte cost a Buffer object.

const BLOCK_BYTES = 64 * 1024;

/** Collects bytes in order; memory is their sum plus at most one block. Has no bound of its own. */
export class ByteHold {
  #length = 0;
  #full: Buffer[] = [];
  #block: Buffer = Buffer.alloc(0);
  #used = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#used === this.#block.length) this.#nextBlock(bytes.length - at);
      const taken = Math.min(bytes.length - at, this.#block.length - this.#used);
      this.#block.set(bytes.subarray(at, at + taken), this.#used);
      this.#used += taken;
      at += taken;
    }
    this.#length += bytes.length;
  }

  /** Hands the bytes out, in blocks, and forgets them. */
  take(): readonly Buffer[] {
    const blocks = this.#used === 0 ? this.#full : [...this.#full, this.#block.subarray(0, this.#used)];
    this.#length = 0;
    this.#full = [];
    this.#block = Buffer.alloc(0);
    this.#used = 0;
    return blocks;
  }

  // Small bodies get small blocks; the first one fits what is at hand.
  #nextBlock(wantedBytes: number): void {
    if (this.#used > 0) this.#full.push(this.#block);
    const isFirst = this.#full.length === 0;
    this.#block = Buffer.alloc(isFirst ? Math.min(BLOCK_BYTES, Math.max(1024, wantedBytes)) : BLOCK_BYTES);
    this.#used = 0;
  }
}
