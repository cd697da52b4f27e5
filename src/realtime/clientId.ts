// Makes the names of realtime clients. Keeps none.
import { randomBytes } from "node:crypto";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LENGTH = 40;
/** The largest multiple of 62 that a byte can hold: values from here on would make some letters likelier. */
const EVEN_MAX = 248;

/** A name nobody can guess, in PocketBase's own form: 40 letters and digits, 238 bits of them random. */
export const makeClientId = (): string => {
  let id = "";
  while (id.length < LENGTH) {
    for (const byte of randomBytes(LENGTH + 8)) {
      if (byte < EVEN_MAX && id.length < LENGTH) id += LETTERS[byte % LETTERS.length];
    }
  }
  return id;
};
