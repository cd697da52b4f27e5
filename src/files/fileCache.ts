// Kept files: small ones in memory too, all of them on disk. Asks through what it is handed, keeps what is whole and has
// not been overtaken, and hands out one fill to all who want the same. Knows no request and no rule.
import { type Answer, isStreamed } from "../http/answer.ts";
import { withHeadRoom } from "../http/headRoom.ts";
import { headerValue } from "../utils/headers.ts";
import { DiskFiles, type FileWriter } from "./diskFiles.ts";
import {
  createFileHasher,
  type FileEntry,
  type FileFacts,
  type FileLease,
  factsOf,
  tagOf,
  wholeAnswer,
} from "./fileEntry.ts";
import { gatherBytes } from "./gatherBytes.ts";
import { TeeSource } from "./teeSource.ts";

/**
 * What a fill came to.
 * - `kept`: for everybody who waited.
 * - `flows`: for the one who began it; the others ask for themselves.
 */
export type FileFill =
  | { readonly kind: "kept"; readonly entry: FileEntry }
  | { readonly kind: "flows"; readonly answer: Answer };

export interface FileCacheOptions {
  /** A folder of its own. */
  readonly dir: string;
  /** On disk; of this a quarter, 64 MiB at most, in memory too. */
  readonly bytesMax: number;
  readonly warn: (message: string) => void;
}

export interface FileOrder {
  readonly key: string;
  readonly lease: FileLease;
  readonly ask: () => Promise<Answer>;
  /** Whether an answer is what was asked for, and not a stopgap. */
  readonly keeps: (answer: Answer) => boolean;
}

/** What is kept of a file besides its bytes, and for how long. */
interface Kept {
  readonly facts: FileFacts;
  readonly lease: FileLease;
}

const MIB = 1_048_576;
/** Larger files are on disk only. */
const SMALL_BYTES_MAX = 2 * MIB;
/** What a file in memory costs besides its bytes. */
const OVERHEAD_BYTES = 2_048;
/** Small files being read at a time. */
const GATHERING_BYTES_MAX = 64 * MIB;

export class FileCache {
  readonly #options: FileCacheOptions;
  readonly #disk: DiskFiles;
  readonly #entries = new Map<string, FileEntry>();
  readonly #inMemory = new Map<string, number>();
  readonly #flights = new Map<string, { readonly lease: FileLease; readonly fill: Promise<FileFill> }>();
  #memoryBytes = 0;
  #gatheringBytes = 0;
  #isWarned = false;
  /** Settles when what an earlier start has left can be used. */
  readonly ready: Promise<void>;

  constructor(options: FileCacheOptions) {
    this.#options = options;
    this.#disk = new DiskFiles(options.dir, options.bytesMax, (key) => this.#forget(key));
    this.ready = this.#disk
      .scan((entry) => {
        if (!this.#entries.has(entry.key)) this.#entries.set(entry.key, entry);
      })
      .catch((error) => this.#warn(error));
  }

  /** How much is kept, and how much may be. */
  get room(): {
    readonly files: number;
    readonly bytes: number;
    readonly memoryBytes: number;
    readonly bytesMax: number;
  } {
    const { bytesMax } = this.#options;
    return { files: this.#entries.size, bytes: this.#disk.bytes, memoryBytes: this.#memoryBytes, bytesMax };
  }

  /** What is kept under a key, whether or not it still counts. */
  find(key: string): FileEntry | undefined {
    return this.#entries.get(key);
  }

  /** Bytes of an entry; undefined when they are gone. The bytes at hand must not be changed. */
  read(entry: FileEntry, from: number, to: number): Answer["body"] | undefined {
    const { body, key } = entry;
    // Moving it to the end each time would cost more than it brings; hot ones are moved often enough.
    if ((entry.hits++ & 7) === 0) this.#use(key);
    if (body === undefined) return this.#disk.read(key, from, to);
    return from === 0 && to === body.length ? body : body.subarray(from, to);
  }

  /** The answer with a whole file; undefined when its bytes are gone. */
  whole(entry: FileEntry): Answer | undefined {
    const body = this.read(entry, 0, entry.length);
    return body === undefined || body === null ? undefined : wholeAnswer(entry, body);
  }

  /** A file from before the start is compared with its checksum; one that has changed is forgotten. */
  async prove(entry: FileEntry): Promise<boolean> {
    if (entry.isProven) return true;
    entry.isProven = await this.#disk.prove(entry);
    if (!entry.isProven) this.delete(entry);
    else if (entry.length <= SMALL_BYTES_MAX) await this.#load(entry).catch((error) => this.#warn(error));
    return entry.isProven;
  }

  async #load(entry: FileEntry): Promise<void> {
    const source = this.#disk.read(entry.key, 0, entry.length);
    if (source === undefined) return;
    const body = withHeadRoom(await gatherBytes(source, entry.length));
    if (this.#entries.get(entry.key) !== entry || entry.body !== undefined) return;
    entry.body = body;
    this.#remember(entry);
  }

  delete({ key }: FileEntry): void {
    this.#disk.delete(key);
    this.#forget(key);
  }

  /** The fill under way that somebody who asks now may wait for, or a new one. Rejects as `ask` does. */
  fill(order: FileOrder): { readonly isOwn: boolean; readonly fill: Promise<FileFill> } {
    const known = this.#flights.get(order.key);
    if (known?.lease.holds() === true) return { isOwn: false, fill: known.fill };
    const fill = this.#run(order);
    const flight = { lease: order.lease, fill };
    this.#flights.set(order.key, flight);
    const land = (): void => {
      if (this.#flights.get(order.key) === flight) this.#flights.delete(order.key);
    };
    fill.then(land, land);
    return { isOwn: true, fill };
  }

  async #run({ key, lease, ask, keeps }: FileOrder): Promise<FileFill> {
    const answer = await ask();
    const facts = keeps(answer) ? factsOf(answer) : undefined;
    const length = Number(headerValue(answer.headers, "content-length") ?? Number.NaN);
    if (facts === undefined || !(length <= this.#options.bytesMax / 2)) return { kind: "flows", answer };
    if (length > SMALL_BYTES_MAX) return await this.#teed(answer, { key, facts, lease, length });
    const body = await this.#gather(answer, length);
    if (body === undefined) return { kind: "flows", answer };
    const etag = tagOf(createFileHasher().update(body).digest());
    const entry: FileEntry = {
      ...facts,
      ...{ key, length, etag, lease },
      body: withHeadRoom(body),
      hits: 0,
      isProven: true,
    };
    if (lease.holds()) {
      this.#put(entry);
      void this.#write(entry, body);
    }
    return { kind: "kept", entry };
  }

  // Undefined when there is no room; the answer is untouched then.
  async #gather({ body }: Answer, length: number): Promise<Uint8Array | undefined> {
    if (body === null || !isStreamed(body)) return new Uint8Array(body ?? []);
    if (this.#gatheringBytes + length > GATHERING_BYTES_MAX) return undefined;
    this.#gatheringBytes += length;
    try {
      return await gatherBytes(body, length);
    } finally {
      this.#gatheringBytes -= length;
    }
  }

  async #teed(
    answer: Answer,
    { key, facts, lease, length }: Pick<FileEntry, "key" | "length"> & Kept,
  ): Promise<FileFill> {
    const { body } = answer;
    if (body === null || !isStreamed(body)) return { kind: "flows", answer };
    const writer = await this.#disk.create(key, facts, length).catch((error) => this.#warn(error));
    if (writer === undefined) return { kind: "flows", answer };
    const keep = async (): Promise<void> => {
      const kept = lease.holds() ? await writer.finish() : await writer.drop();
      if (kept !== undefined && lease.holds())
        this.#entries.set(key, { ...facts, ...kept, key, body: undefined, hits: 0, lease, isProven: true });
    };
    const onFailed = (error: unknown): void => this.#warn(error);
    const tee = new TeeSource(body, { writer, onFailed, onWhole: () => void keep().catch(onFailed) });
    return { kind: "flows", answer: { ...answer, body: tee } };
  }

  async #write(entry: FileEntry, body: Uint8Array): Promise<void> {
    let writer: FileWriter | undefined;
    try {
      writer = await this.#disk.create(entry.key, entry, entry.length);
      await writer?.write(body);
      if (this.#entries.get(entry.key) === entry) await writer?.finish();
      else await writer?.drop();
    } catch (error) {
      await writer?.drop();
      this.#warn(error);
    }
  }

  #put(entry: FileEntry): void {
    this.#forget(entry.key);
    this.#entries.set(entry.key, entry);
    this.#remember(entry);
  }

  #remember({ key, length }: FileEntry): void {
    const bytes = length + OVERHEAD_BYTES;
    this.#inMemory.set(key, bytes);
    this.#memoryBytes += bytes;
    const bytesMax = Math.min(this.#options.bytesMax / 4, 64 * MIB);
    for (const [key] of this.#inMemory) {
      if (this.#memoryBytes <= bytesMax) return;
      this.#dropBody(key);
    }
  }

  // What is not on disk yet is forgotten whole.
  #dropBody(key: string): void {
    const entry = this.#entries.get(key);
    this.#memoryBytes -= this.#inMemory.get(key) ?? 0;
    this.#inMemory.delete(key);
    if (entry === undefined) return;
    // Its frame holds on to the body.
    delete entry.frame;
    if (this.#disk.has(key)) entry.body = undefined;
    else this.#entries.delete(key);
  }

  #use(key: string): void {
    this.#disk.use(key);
    const bytes = this.#inMemory.get(key);
    if (bytes === undefined) return;
    this.#inMemory.delete(key);
    this.#inMemory.set(key, bytes);
  }

  #forget(key: string): void {
    if (this.#inMemory.has(key)) this.#dropBody(key);
    this.#entries.delete(key);
  }

  #warn(error: unknown): undefined {
    if (!this.#isWarned) this.#options.warn(`kept files can't be written: ${String(error)}`);
    this.#isWarned = true;
    return undefined;
  }
}
