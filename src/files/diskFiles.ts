// Kept files on disk, within a bound of bytes: each in a file of its own, its description behind its bytes. What was
// written half, or has changed since, is never served. Knows nothing of requests.
import { mkdirSync } from "node:fs";
import { type FileHandle, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { BodySource } from "../http/answer.ts";
import { DiskSource } from "./diskSource.ts";
import { describe, readDescription } from "./fileDescription.ts";
import { createFileHasher, type FileEntry, type FileFacts, tagOf } from "./fileEntry.ts";

/** What a file costs beside its bytes: its description, and the blocks of the file system. */
const OVERHEAD_BYTES = 4_096;

/** As many have their description in memory. */
const FILES_MAX = 65_536;

interface Place {
  readonly path: string;
  readonly bytes: number;
}

/** A file that is being written. */
export interface FileWriter {
  /** Takes a copy's worth of bytes; they may be changed afterwards only when this has settled. */
  write(bytes: Uint8Array): Promise<void>;
  /** Finishes it. @returns undefined when other bytes came than were announced. @throws the system's error; nothing is left then. */
  finish(): Promise<{ readonly etag: string; readonly length: number } | undefined>;
  drop(): Promise<void>;
}

export class DiskFiles {
  readonly #dir: string;
  readonly #bytesMax: number;
  readonly #places = new Map<string, Place>();
  readonly #onGone: (key: string) => void;
  /** Of files being written by this start; whatever else is half is of an earlier one. */
  readonly #prefix = crypto.randomUUID();
  readonly #underway = new Set<string>();
  #underwayBytes = 0;
  #bytes = 0;
  #count = 0;

  /** @param onGone - Told of each file that had to make room, or was not there any more. */
  constructor(dir: string, bytesMax: number, onGone: (key: string) => void) {
    this.#dir = dir;
    this.#bytesMax = bytesMax;
    this.#onGone = onGone;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Reads what an earlier start has left, oldest first; what is not whole is deleted. */
  async scan(onFound: (entry: FileEntry) => void): Promise<void> {
    const found: { readonly entry: FileEntry; readonly path: string; readonly atMs: number }[] = [];
    for (const name of await readdir(this.#dir)) {
      if (name.startsWith(this.#prefix)) continue;
      const path = join(this.#dir, name);
      const entry = name.endsWith(".file") ? await readDescription(path) : undefined;
      if (entry === undefined || pathOf(this.#dir, entry.key) !== path) await remove(path);
      else found.push({ entry, path, atMs: (await stat(path)).mtimeMs });
    }
    found.sort((one, other) => one.atMs - other.atMs);
    for (const { entry, path } of found) {
      if (this.#places.has(entry.key)) continue;
      onFound(entry);
      this.#note(entry.key, { path, bytes: entry.length + OVERHEAD_BYTES });
    }
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }

  /** Counts as used now. */
  use(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#places.set(key, place);
  }

  /**
   * Begins to write a file of so many bytes, in the place of an older one once it is whole.
   * @returns undefined when it is being written already, or too much is. @throws the system's error.
   */
  async create(key: string, facts: FileFacts, bytes: number): Promise<FileWriter | undefined> {
    if (this.#underway.has(key) || this.#underwayBytes + bytes > this.#bytesMax / 2) return undefined;
    const part = join(this.#dir, `${this.#prefix}-${this.#count++}.part`);
    const over = this.#begin(key, bytes);
    const handle = await open(part, "wx", 0o600).catch((error) => {
      over();
      throw error;
    });
    const drop = async (): Promise<void> => {
      over();
      await handle.close().catch(() => undefined);
      await remove(part);
    };
    const hasher = createFileHasher();
    let length = 0;
    const settle = async (): Promise<string | undefined> => {
      if (length !== bytes) return undefined;
      const etag = tagOf(hasher.digest());
      await writeAll(handle, describe(key, facts, { etag, length }));
      await handle.close();
      const path = pathOf(this.#dir, key);
      await rename(part, path);
      over();
      this.#note(key, { path, bytes: length + OVERHEAD_BYTES });
      return etag;
    };
    return {
      write: async (chunk) => {
        length += chunk.length;
        if (length > bytes) return;
        hasher.update(chunk);
        await writeAll(handle, chunk);
      },
      finish: async () => {
        let etag: string | undefined;
        try {
          etag = await settle();
        } finally {
          if (etag === undefined) await drop();
        }
        return etag === undefined ? undefined : { etag, length };
      },
      drop,
    };
  }

  // What is being written counts as kept, so that the bound holds at every moment.
  #begin(key: string, bytes: number): () => void {
    this.#underway.add(key);
    this.#underwayBytes += bytes;
    this.#makeRoom();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#underway.delete(key);
      this.#underwayBytes -= bytes;
    };
  }

  /** Whether the bytes on disk are those that were written. */
  async prove({ key, etag, length }: FileEntry): Promise<boolean> {
    const place = this.#places.get(key);
    if (place === undefined) return false;
    const hasher = createFileHasher();
    const source = this.read(key, 0, length);
    return await new Promise((resolve) => {
      source?.start({
        data: (chunk) => {
          hasher.update(chunk);
          return true;
        },
        end: () => resolve(tagOf(hasher.digest()) === etag),
        fail: () => resolve(false),
      });
      if (source === undefined) resolve(false);
    });
  }

  /** A part of a file's bytes; undefined when it is gone. */
  read(key: string, from: number, to: number): BodySource | undefined {
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    const { path } = place;
    // Somebody has tidied up the folder: the next who asks is not to break off as well.
    const onBroken = (): void => {
      if (this.#places.get(key) === place) this.#lose(key);
    };
    return new DiskSource({ path, from, to, onBroken });
  }

  delete(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#bytes -= place.bytes;
    void remove(place.path);
  }

  #note(key: string, place: Place): void {
    this.#bytes += place.bytes - (this.#places.get(key)?.bytes ?? 0);
    this.#places.delete(key);
    this.#places.set(key, place);
    this.#makeRoom();
  }

  #makeRoom(): void {
    for (const [oldest] of this.#places) {
      if (this.#bytes + this.#underwayBytes <= this.#bytesMax && this.#places.size <= FILES_MAX) return;
      this.#lose(oldest);
    }
  }

  #lose(key: string): void {
    this.delete(key);
    this.#onGone(key);
  }
}

const pathOf = (dir: string, key: string): string =>
  join(dir, `${createFileHasher().update(key).digest("hex").slice(0, 40)}.file`);

// It may be gone already, and what stays is deleted by the next start.
const remove = (path: string): Promise<void> => unlink(path).catch(() => undefined);

const writeAll = async (handle: FileHandle, bytes: Uint8Array): Promise<void> => {
  let at = 0;
  while (at < bytes.length) at += (await handle.write(bytes, at)).bytesWritten;
};
