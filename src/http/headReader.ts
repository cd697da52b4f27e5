// Finds and reads the head of the request that stands first in what a connection received. A client that sends the same
// request again, to the byte, has it read once. Remembers nothing about anybody else, and nothing for long.
import { parseRequestHead, type RequestHead } from "./requestHead.ts";

/** A head, and what came with it. */
export interface HeadRead {
  readonly kind: "head";
  readonly head: RequestHead;
  /** What lies behind the head. */
  readonly rest: Buffer | undefined;
  /** The request is the last one again: `head` is the very same object. */
  readonly isRepeat: boolean;
}

/** What the bytes at hand make. */
export type HeadReading =
  | HeadRead
  | { readonly kind: "incomplete" }
  | { readonly kind: "refused"; readonly reason: "malformed" | "too_large" };

const INCOMPLETE: HeadReading = { kind: "incomplete" };
const TOO_LARGE: HeadReading = { kind: "refused", reason: "too_large" };

/** Longest head, without the empty line at its end. */
const HEAD_BYTES_MAX = 16_384;
/** Longer requests are not remembered; in bytes. */
const REMEMBERED_BYTES_MAX = 2048;
const BREAK = "\r\n";
const BREAK_BYTES = 2;

export class HeadReader {
  #bytes: Buffer | undefined;
  #again: HeadRead | undefined;

  /** @param input - All that was received and not read yet; nobody may change it any more. */
  read(input: Buffer): HeadReading {
    if (this.#again !== undefined && this.#bytes?.length === input.length && this.#bytes.equals(input))
      return this.#again;
    // One empty line before a request is tolerated (RFC 9112 section 2.2).
    const from = input[0] === 13 && input[1] === 10 ? BREAK_BYTES : 0;
    const end = input.indexOf(BREAK + BREAK, from);
    if (end < 0) return input.length - from > HEAD_BYTES_MAX ? TOO_LARGE : INCOMPLETE;
    if (end - from > HEAD_BYTES_MAX) return TOO_LARGE;
    const parsed = parseRequestHead(input.toString("latin1", from, end));
    if (!parsed.ok) return { kind: "refused", reason: parsed.reason };
    const { head } = parsed;
    const behind = end + 2 * BREAK_BYTES;
    const rest = input.length > behind ? input.subarray(behind) : undefined;
    if (rest === undefined && from === 0 && head.framing.kind === "none") this.#keep(input, head);
    return { kind: "head", head, rest, isRepeat: false };
  }

  /** Whoever waits long before it asks again gains nothing by being remembered. */
  forget(): void {
    this.#bytes = undefined;
    this.#again = undefined;
  }

  // Exactly one request without a body.
  #keep(input: Buffer, head: RequestHead): void {
    if (input.length > REMEMBERED_BYTES_MAX) return this.forget();
    this.#bytes = input;
    this.#again = { kind: "head", head, rest: undefined, isRepeat: true };
  }
}
