// How many records lists have, apart from the pages that say so: counting costs PocketBase more than a page does. Knows
// no request; a key already says who may share what lies under it.
import type { Lease } from "./versions.ts";

/** A total, or the counting of it, and the versions it is of. */
export interface Counted {
  readonly lease: Lease;
  /** Undefined when the counting came to nothing. */
  readonly total: number | undefined | Promise<number | undefined>;
}

/** What a total costs beside its key: objects, a promise, map slots. */
const OVERHEAD_BYTES = 300;

/** Totals within a bound of bytes; the oldest go first. */
export class Totals {
  readonly #bytesMax: number;
  readonly #counted = new Map<string, Counted>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What is known under a key, or is being counted, when nothing has moved since. */
  find(key: string): Counted | undefined {
    const counted = this.#counted.get(key);
    if (counted === undefined || counted.lease.holds()) return counted;
    return undefined;
  }

  /** A counting begins; others wait for its end, which the returned function tells. */
  begin(key: string, lease: Lease): (total: number | undefined) => void {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const pending: Counted = { lease, total: promise };
    this.#put(key, pending);
    return (total) => {
      resolve(total);
      // Forgotten or begun anew meanwhile.
      if (this.#counted.get(key) !== pending) return;
      if (total === undefined) this.#delete(key);
      else this.#counted.set(key, { lease, total });
    };
  }

  clear(): void {
    this.#counted.clear();
    this.#bytes = 0;
  }

  #put(key: string, counted: Counted): void {
    this.#delete(key);
    this.#counted.set(key, counted);
    this.#bytes += costOf(key);
    for (const [oldest] of this.#counted) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#delete(oldest);
    }
  }

  #delete(key: string): void {
    if (this.#counted.delete(key)) this.#bytes -= costOf(key);
  }
}

const costOf = (key: string): number => OVERHEAD_BYTES + key.length;
