// Who may touch a resumable upload: one request at a time. Who comes next asks the one before to stop, and waits without
// looking again and again. Knows nothing of what is done meanwhile.
import type { Lock, Locker, RequestRelease } from "@tus/server";

/** The one before has a few seconds to stop; who waits longer is told to try again. */
const WAIT_MS = 30_000;

/** As the library says what it refuses; clients that are told so try again. */
const LOCKED = { status_code: 423, body: "Locked\n" };

interface Holder {
  readonly requestRelease: RequestRelease;
  readonly released: Promise<void>;
  readonly release: () => void;
}

export class UploadLocks implements Locker {
  readonly #holders = new Map<string, Holder>();
  readonly #waitMs: number;

  constructor(waitMs: number = WAIT_MS) {
    this.#waitMs = waitMs;
  }

  newLock(id: string): Lock {
    return {
      lock: (signal, requestRelease) => this.#lock(id, requestRelease, signal),
      unlock: async () => {
        const holder = this.#holders.get(id);
        this.#holders.delete(id);
        holder?.release();
      },
    };
  }

  async #lock(id: string, requestRelease: RequestRelease, signal: AbortSignal): Promise<void> {
    let limit: AbortSignal | undefined;
    // Of several who wait for the same holder one is the next, whom the others ask in turn.
    for (let holder = this.#holders.get(id); holder !== undefined; holder = this.#holders.get(id)) {
      limit ??= AbortSignal.any([signal, AbortSignal.timeout(this.#waitMs)]);
      await holder.requestRelease();
      await Promise.race([holder.released, aborted(limit)]);
      if (limit.aborted) throw LOCKED;
    }
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    this.#holders.set(id, { requestRelease, released, release });
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
