// Reads a body of known length whole. Has no deadline of its own: whoever feeds the body has.
import type { BodySource } from "../http/answer.ts";

/** All bytes of a body. Rejects when it breaks off, or has another length than it said. */
export const gatherBytes = (source: BodySource, length: number): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const bytes = new Uint8Array(length);
    let at = 0;
    source.start({
      data: (chunk) => {
        if (at + chunk.length > length) {
          source.cancel();
          reject(new Error("a body was longer than it said"));
          return true;
        }
        bytes.set(chunk, at);
        at += chunk.length;
        return true;
      },
      end: () => {
        if (at === length) resolve(bytes);
        else reject(new Error("a body was shorter than it said"));
      },
      fail: reject,
    });
  });
