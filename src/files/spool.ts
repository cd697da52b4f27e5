// Uploads that are not whole yet, on disk until they are: who they belong to, what they are for, and how much room they
// take. The protocol itself is the library's.
import { mkdirSync } from "node:fs";
import { FileStore } from "@tus/file-store";

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

/** Room for everybody's uploads; a user has a quarter of it, and {@link UPLOADS_MAX} uploads. */
export const UPLOADS_MAX = 20;
const LIFE_MS = 86_400_000;
const SWEEP_MS = 600_000;
const ID = /^[0-9a-f]{32}$/;

export class Spool {
  readonly store: FileStore;
  readonly #dir: string;
  readonly #bytesMax: number;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(dir: string, bytesMax: number) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#dir = dir;
    this.#bytesMax = bytesMax;
    this.store = new FileStore({ directory: dir, expirationPeriodInMilliseconds: LIFE_MS });
    // Nobody can guess a length that was never said; quotas need one.
    this.store.extensions = ["creation", "creation-with-upload", "termination", "expiration"];
    setInterval(() => void this.store.deleteExpired().catch(() => undefined), SWEEP_MS).unref();
  }

  /** The upload; undefined when there is none, or it is somebody else's. */
  async find(id: string, owner: string): Promise<Spooled | undefined> {
    if (!ID.test(id)) return undefined;
    const upload = await this.store.getUpload(id).catch(() => undefined);
    const meta = upload?.metadata;
    if (upload?.size === undefined || meta?.["owner"] !== owner) return undefined;
    const place = { collectionId: meta["collectionId"] ?? "", recordId: meta["recordId"] ?? "" };
    const name = { field: meta["field"] ?? "", filename: meta["filename"] ?? "" };
    return {
      id,
      owner,
      ...place,
      ...name,
      size: upload.size,
      offset: upload.offset,
      path: `${this.#dir}/${id}`,
    };
  }

  /** Runs `create` when there is room for so many bytes more, one creation at a time. @returns undefined when not. */
  create<T>(owner: string, bytes: number, create: () => Promise<T>): Promise<T | undefined> {
    const turn = this.#turn.then(async () =>
      (await this.#hasRoom(owner, bytes)) ? await create() : undefined,
    );
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async remove(id: string): Promise<void> {
    await this.store.remove(id).catch(() => undefined);
  }

  // Counted anew each time: what is on disk is the truth, after a crash as well.
  async #hasRoom(owner: string, bytes: number): Promise<boolean> {
    let [total, own, count] = [bytes, bytes, 1];
    for (const id of (await this.store.configstore.list?.()) ?? []) {
      const upload = await this.store.configstore.get(id);
      total += upload?.size ?? 0;
      if (upload?.metadata?.["owner"] !== owner) continue;
      own += upload.size ?? 0;
      count += 1;
    }
    return total <= this.#bytesMax && own <= this.#bytesMax / 4 && count <= UPLOADS_MAX;
  }
}
