// Makes the names of realtime clients. Keeps none.
import { randomFillSync } from "node:crypto";

const LETTERS = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
const LENGTH = 40;
/** The largest multiple of 62 that a byte can hold: values from here on would make some letters likelier. */
const EVEN_MAX = 248;

// Filled anew for each name: there are many clients, and each of them shall leave little behind.
const random = Buffer.alloc(LENGTH + 8);
const name = Buffer.alloc(LENGTH);

/** A name nobody can guess, in PocketBase's own form: 40 letters and digits, 238 bits of them random. */
export const makeClientId = (): string => {
  for (let at = 0; at < LENGTH; ) {
    for (const byte of randomFillSync(random)) {
      if (byte < EVEN_MAX && at < LENGTH) name[at++] = LETTERS[byte % LETTERS.length] ?? 0;
    }
  }
  return name.toString("latin1");
};
