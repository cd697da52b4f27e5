// Uploads that are not whole yet, on disk until they are: who they belong to, what they are for, and how much room they
// take. The protocol itself is the library's.
import { mkdirSync, statSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { CheckedStore } from "./checkedStore.ts";

/** What an upload is for. */
export interface SpoolPlace {
  readonly collectionId: string;
  readonly recordId: string;
  readonly field: string;
  /** As the client wrote it. */
  readonly filename: string;
}

/** One upload. */
export interface Spooled extends SpoolPlace {
  readonly id: string;
  /** Collection id and record id of who began it. */
  readonly owner: string;
  readonly size: number;
  readonly offset: number;
  readonly path: string;
}

/** An upload that somebody wants to begin. */
export interface Beginning extends Pick<Spooled, "id" | "owner"> {
  readonly bytes: number;
}

/** Room for everybody's uploads; a user has a quarter of it, and {@link UPLOADS_MAX} uploads. */
export const UPLOADS_MAX = 20;
/** Of everybody together: each that begins looks at all of them. */
const UPLOADS_IN_ALL_MAX = 2_000;
const LIFE_MS = 86_400_000;
const SWEEP_MS = 600_000;
const ID = /^[0-9a-f]{32}$/;

export class Spool {
  readonly store: CheckedStore;
  readonly #dir: string;
  readonly #bytesMax: number;
  readonly #uploadsInAllMax: number;
  /** Uploads that are about to begin, by id. */
  readonly #beginning = new Map<string, Beginning>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(dir: string, bytesMax: number, uploadsInAllMax: number = UPLOADS_IN_ALL_MAX) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#dir = dir;
    this.#bytesMax = bytesMax;
    this.#uploadsInAllMax = uploadsInAllMax;
    this.store = new CheckedStore({ directory: dir, expirationPeriodInMilliseconds: LIFE_MS });
    // Nobody can guess a length that was never said; quotas need one.
    this.store.extensions = ["creation", "creation-with-upload", "termination", "expiration", "checksum"];
    setInterval(() => void this.sweep().catch(() => undefined), SWEEP_MS).unref();
  }

  /** The upload; undefined when there is none, or it is somebody else's. */
  async find(id: string, owner: string): Promise<Spooled | undefined> {
    const upload = ID.test(id) ? await this.#read(id) : undefined;
    return upload?.owner === owner ? upload : undefined;
  }

  async #read(id: string): Promise<Spooled | undefined> {
    const upload = await this.store.getUpload(id).catch(() => undefined);
    const meta = upload?.metadata;
    if (upload?.size === undefined || meta?.["owner"] == null) return undefined;
    const place = { collectionId: meta["collectionId"] ?? "", recordId: meta["recordId"] ?? "" };
    const name = { field: meta["field"] ?? "", filename: meta["filename"] ?? "" };
    return {
      id,
      owner: meta["owner"],
      ...place,
      ...name,
      size: upload.size,
      offset: upload.offset,
      path: `${this.#dir}/${id}`,
    };
  }

  /** Runs `create` when there is room for an upload more. @returns undefined when there is none. */
  async create<T>(beginning: Beginning, create: () => Promise<T>): Promise<T | undefined> {
    const turn = this.#turn.then(async () => {
      const hasRoom = await this.#hasRoom(beginning);
      if (hasRoom) this.#beginning.set(beginning.id, beginning);
      return hasRoom;
    });
    this.#turn = turn.catch(() => undefined);
    if (!(await turn)) return undefined;
    try {
      return await create();
    } finally {
      this.#beginning.delete(beginning.id);
    }
  }

  async remove(id: string): Promise<void> {
    await this.store.remove(id).catch(() => undefined);
  }

  /** Removes what has had its time, of uploads and of what a crash has left of one. Rejects with the system's error. */
  async sweep(): Promise<void> {
    await this.store.deleteExpired();
    const oldest = Date.now() - LIFE_MS;
    for (const name of await readdir(this.#dir)) {
      const path = join(this.#dir, name);
      if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? oldest) >= oldest) continue;
      if ((await this.#read(name.split(".", 1)[0] ?? "")) === undefined) await rm(path, { force: true });
    }
  }

  /** Every upload, whole ones included, with how far it has come. */
  async all(): Promise<readonly Spooled[]> {
    const ids = (await this.store.configstore.list?.()) ?? [];
    const all = await Promise.all(ids.map((id) => this.#read(id)));
    return all.filter((one) => one !== undefined);
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** Of one user's uploads together. */
  get ownerBytesMax(): number {
    return this.#bytesMax / 4;
  }

  // Counted anew each time: what is on disk is the truth, after a crash as well.
  async #hasRoom({ owner, bytes }: Beginning): Promise<boolean> {
    let [total, own, count] = [bytes, bytes, 1];
    const others = new Map(this.#beginning);
    for (const id of (await this.store.configstore.list?.()) ?? []) {
      const upload = await this.store.configstore.get(id);
      others.set(id, { id, owner: upload?.metadata?.["owner"] ?? "", bytes: upload?.size ?? 0 });
    }
    if (others.size >= this.#uploadsInAllMax) return false;
    for (const other of others.values()) {
      total += other.bytes;
      if (other.owner !== owner) continue;
      own += other.bytes;
      count += 1;
    }
    return total <= this.#bytesMax && own <= this.ownerBytesMax && count <= UPLOADS_MAX;
  }
}
