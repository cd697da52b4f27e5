// The short code that somebody reads off one screen and types into another (RFC 8628 section 6.1).
import { randomInt } from "node:crypto";

// No vowels, so that no words come about, and nothing that looks like something else: 20^8 codes, 34 bits.
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
const LENGTH = 8;
const CODE = new RegExp(`^[${LETTERS}]{${LENGTH}}$`);

/** A new code, such as `BCDF-GHJK`. */
export const newUserCode = (): string => {
  const letters = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
};

/** The code somebody means, whatever the case and the separators; undefined when it cannot be one. */
export const readUserCode = (typed: string): string | undefined => {
  const letters = typed
    .slice(0, 64)
    .toUpperCase()
    .replaceAll(/[\s\-_.]/g, "");
  return CODE.test(letters) ? `${letters.slice(0, 4)}-${letters.slice(4)}` : undefined;
};
