// The library's file store with the extension `checksum` of tus 1.0 around it: a piece that comes with a checksum counts
// when its bytes are found right, and is gone otherwise, after a crash in the middle of it as well. Holds no piece.
import { AsyncLocalStorage } from "node:async_hooks";
import { open, readFile, rm, truncate, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FileStore } from "@tus/file-store";
import { freeBytes } from "../utils/freeBytes.ts";

/** As `Tus-Checksum-Algorithm` lists them. */
export const CHECKSUM_ALGORITHMS = ["sha1", "sha256", "md5"] as const;

/** What a piece is said to add up to. */
export interface Checksum {
  readonly algorithm: (typeof CHECKSUM_ALGORITHMS)[number];
  readonly digest: Buffer;
}

/** Reads `Upload-Checksum`; undefined for an algorithm that is not offered, and for what is none. */
export const readChecksum = (header: string): Checksum | undefined => {
  const [name, text = "", more] = header.trim().split(" ");
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => known === name);
  if (algorithm === undefined || more !== undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return { algorithm, digest: Buffer.from(text, "base64") };
};

/** What the library answers for a piece that is not what its checksum says. */
const MISMATCH = { status_code: 460, body: "Checksum Mismatch\n" };

export class CheckedStore extends FileStore {
  /** Whoever asks the library to write says here what must come. */
  readonly #expected = new AsyncLocalStorage<Checksum | undefined>();
  /** Where the pieces begin that are being written; what else has not been found right is of a crash. */
  readonly #writing = new Map<string, number>();

  /** Runs a request of which each piece must have this checksum. */
  expect<T>(checksum: Checksum | undefined, run: () => Promise<T>): Promise<T> {
    return this.#expected.run(checksum, run);
  }

  override async write(...[readable, id, offset]: Parameters<FileStore["write"]>): Promise<number> {
    const checksum = this.#expected.getStore();
    if (checksum === undefined) return await this.#append(readable, id, offset);
    const hasher = new Bun.CryptoHasher(checksum.algorithm);
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const chunk of readable) {
        hasher.update(chunk);
        yield chunk;
      }
    }
    this.#writing.set(id, offset);
    try {
      await writeFile(this.#markOf(id), String(offset));
      const reached = await this.#append(hashed(), id, offset);
      if (!hasher.digest().equals(checksum.digest)) throw MISMATCH;
      await unlink(this.#markOf(id));
      return reached;
    } catch (error) {
      await this.#undo(id);
      throw error;
    } finally {
      this.#writing.delete(id);
    }
  }

  // As the library's own, but that bytes which are on disk are freed.
  async #append(chunks: AsyncIterable<Uint8Array>, id: string, offset: number): Promise<number> {
    const handle = await open(join(this.directory, id), "r+");
    let at = offset;
    try {
      for await (const chunk of chunks) {
        const { length } = chunk;
        for (let from = 0; from < length; )
          from += (await handle.write(chunk, from, length - from, at + from)).bytesWritten;
        at += length;
        freeBytes(chunk);
      }
    } finally {
      await handle.close();
    }
    return at;
  }

  override async getUpload(id: string): ReturnType<FileStore["getUpload"]> {
    const from = this.#writing.get(id);
    if (from === undefined) await this.#undo(id);
    const upload = await super.getUpload(id);
    upload.offset = from ?? upload.offset;
    return upload;
  }

  // After a crash in the middle of this, its bytes may be gone already.
  override async remove(id: string): Promise<void> {
    await rm(this.#markOf(id), { force: true });
    await rm(join(this.directory, id), { force: true });
    await rm(join(this.directory, `${id}.json`), { force: true });
  }

  // The mark holds where the piece begins; it is gone when the piece counts, or is gone itself.
  async #undo(id: string): Promise<void> {
    const mark = await readFile(this.#markOf(id), "utf8").catch(() => undefined);
    if (mark === undefined) return;
    if (/^\d+$/.test(mark)) await truncate(join(this.directory, id), Number(mark));
    await unlink(this.#markOf(id));
  }

  #markOf(id: string): string {
    return join(this.directory, `${id}.piece`);
  }
}
