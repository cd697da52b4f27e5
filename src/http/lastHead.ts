// The last request of a connection, as text and as what it says: a client that sends the same again, to the byte, need
// not be read again. Remembers nothing about anybody else, and nothing for long.
import type { RequestHead } from "./requestHead.ts";

/** Longer requests are not remembered; in bytes. */
const BYTES_MAX = 2048;

export class LastHead {
  #bytes: Buffer | undefined;
  #head: RequestHead | undefined;

  /** What these bytes said the last time, the very same object; undefined when the last request was another one. */
  of(input: Buffer): RequestHead | undefined {
    return this.#bytes?.length === input.length && this.#bytes.equals(input) ? this.#head : undefined;
  }

  /** @param input - Exactly one request without a body; nobody may change it any more. */
  keep(input: Buffer, head: RequestHead): void {
    const fits = input.length <= BYTES_MAX;
    this.#bytes = fits ? input : undefined;
    this.#head = fits ? head : undefined;
  }

  forget(): void {
    this.#bytes = undefined;
    this.#head = undefined;
  }
}
