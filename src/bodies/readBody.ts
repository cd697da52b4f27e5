// Reads a request body into memory, within a size bound and a deadline.
import { Refusal } from "../errors.ts";
import type { BodySource } from "../http/answer.ts";

export interface ReadLimits {
  readonly bytesMax: number;
  /** For the whole body. */
  readonly timeoutMs: number;
}

/**
 * Collects a body.
 * @throws Refusal `body_too_large` at the first byte over the bound, `body_too_slow` at the deadline,
 * `body_invalid` when the client breaks off, or the Refusal that the source fails with.
 */
export const readBody = (source: BodySource, limits: ReadLimits): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const refuse = (refusal: Refusal): void => {
      clearTimeout(timer);
      source.cancel();
      reject(refusal);
    };
    const timer = setTimeout(() => refuse(new Refusal("body_too_slow")), limits.timeoutMs);
    source.start({
      data: (chunk) => {
        length += chunk.length;
        if (length > limits.bytesMax) refuse(new Refusal("body_too_large"));
        else chunks.push(chunk);
        return true;
      },
      end: () => {
        clearTimeout(timer);
        resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
      },
      fail: (error) => refuse(error instanceof Refusal ? error : new Refusal("body_invalid")),
    });
  });
