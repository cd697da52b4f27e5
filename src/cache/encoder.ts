// Makes smaller variants of kept answers, beside the walk of requests: one at a time, for answers that are asked for again.
// Decides who is given one, not who may have the answer.
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { type Coding, codingsFor } from "./codings.ts";
import { type Entry, type Kept, toVariant } from "./entry.ts";
import type { EntryStore } from "./store.ts";

/** From this many hits on a variant is worth its making. */
const HITS_MIN = 2;
/** A variant that saves less than a tenth is not kept. */
const WORTH = 0.9;
/** More than this many do not wait: they are wanted again at a later hit. */
const WAITING_MAX = 64;

/** One variant to make. */
interface Job {
  readonly entry: Entry;
  readonly coding: Coding;
}

export class Encoder {
  readonly #store: EntryStore;
  readonly #codings: ReadonlySet<Coding>;
  readonly #waiting: Job[] = [];
  #isBusy = false;

  /** @param codings - Those that are made. */
  constructor(store: EntryStore, codings: readonly Coding[]) {
    this.#store = store;
    this.#codings = new Set(codings);
  }

  /** The entry as this client likes it best of what there is; what is missing is made for the next one. */
  choose(entry: Entry, acceptEncoding: string | undefined): Kept {
    const { variants } = entry;
    if (variants === undefined) return entry;
    let isFirst = true;
    for (const coding of codingsFor(acceptEncoding)) {
      if (!this.#codings.has(coding)) continue;
      const variant = variants.get(coding);
      if (variant !== undefined) return variant;
      if (isFirst && entry.hits >= HITS_MIN && !variants.has(coding)) this.#want({ entry, coding });
      isFirst = false;
    }
    return entry;
  }

  #want(job: Job): void {
    if (this.#waiting.length >= WAITING_MAX) return;
    // Being made, or not worth it, until it is there.
    job.entry.variants?.set(job.coding, undefined);
    this.#waiting.push(job);
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift())
      if (this.#isKept(job.entry)) await this.#make(job);
    this.#isBusy = false;
  }

  async #make({ entry, coding }: Job): Promise<void> {
    const bytes = await ENCODE[coding](entry.body);
    if (bytes.length <= entry.body.length * WORTH && this.#isKept(entry))
      this.#store.addVariant(entry, coding, toVariant(entry, coding, bytes));
  }

  #isKept(entry: Entry): boolean {
    return this.#store.peek(entry.key) === entry;
  }
}

const brotli = promisify(brotliCompress);
const deflate = promisify(gzip);
const BROTLI_QUALITY = 5;

/** Both work on threads of their own. */
const ENCODE: Readonly<Record<Coding, (body: Uint8Array) => Promise<Uint8Array>>> = {
  br: (body) =>
    brotli(body, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
      },
    }).then(owned),
  gzip: (body) => deflate(body).then(owned),
};

// The buffer behind a result may be larger than what it holds, and is not counted.
const owned = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);
