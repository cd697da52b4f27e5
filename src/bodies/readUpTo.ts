// Reads a body into memory when it is short, and hands a longer one on as it flows. Refuses nothing for its size.
import { Refusal } from "../errors.ts";
import type { BodySink, BodySource } from "../http/answer.ts";
import type { ReadLimits } from "./readBody.ts";

/** A body: whole, or a source that gives all of it, what was read already included. */
export type ReadUpTo =
  | { readonly kind: "whole"; readonly bytes: Uint8Array }
  | { readonly kind: "longer"; readonly source: BodySource };

/**
 * Reads up to `bytesMax` bytes. Of a longer body, and of one without a byte, the source is returned: it holds
 * what has come until it is started.
 * @throws Refusal `body_too_slow` at the deadline, `body_invalid` when the client breaks off.
 */
export const readUpTo = (source: BodySource, { bytesMax, timeoutMs }: ReadLimits): Promise<ReadUpTo> =>
  new Promise((resolve, reject) => {
    const head = new Head(source);
    const refuse = (refusal: Refusal): void => {
      clearTimeout(timer);
      source.cancel();
      reject(refusal);
    };
    const timer = setTimeout(() => refuse(new Refusal("body_too_slow")), timeoutMs);
    head.onChange = () => {
      const { error, isEnded, length } = head;
      if (error !== undefined) return refuse(error instanceof Refusal ? error : new Refusal("body_invalid"));
      if (length <= bytesMax && !isEnded) return;
      clearTimeout(timer);
      head.onChange = undefined;
      const isShort = length > 0 && length <= bytesMax;
      resolve(isShort ? { kind: "whole", bytes: head.bytes() } : { kind: "longer", source: head });
    };
    head.open();
  });

/** Keeps what comes until somebody takes it over. */
class Head implements BodySource {
  readonly #source: BodySource;
  readonly #chunks: Uint8Array[] = [];
  #sink: BodySink | undefined;
  onChange: (() => void) | undefined;
  length = 0;
  isEnded = false;
  error: Error | undefined;

  constructor(source: BodySource) {
    this.#source = source;
  }

  open(): void {
    this.#source.start({
      data: (chunk) => this.#take(chunk),
      end: () => {
        this.isEnded = true;
        if (this.#sink === undefined) this.onChange?.();
        else this.#sink.end();
      },
      fail: (error) => {
        this.error = error;
        if (this.#sink === undefined) this.onChange?.();
        else this.#sink.fail(error);
      },
    });
  }

  #take(chunk: Uint8Array): boolean {
    if (this.#sink !== undefined) return this.#sink.data(chunk);
    this.#chunks.push(chunk);
    this.length += chunk.length;
    this.onChange?.();
    // Nobody reads on before the rest has a taker.
    return this.onChange !== undefined;
  }

  bytes(): Uint8Array {
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
  }

  start(sink: BodySink): void {
    let wantsMore = true;
    for (const chunk of this.#chunks.splice(0)) wantsMore = sink.data(chunk) && wantsMore;
    this.#sink = sink;
    if (this.error !== undefined) sink.fail(this.error);
    else if (this.isEnded) sink.end();
    else if (wantsMore) this.#source.resume();
  }

  resume(): void {
    if (!this.isEnded && this.error === undefined) this.#source.resume();
  }

  cancel(): void {
    this.#chunks.length = 0;
    this.#source.cancel();
  }
}
