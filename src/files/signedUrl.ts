// Tokens that let anybody who has them read one file until a time: no name of who signed, nothing to look up. Asks nobody
// whether the signer may; that is the caller's affair.
import { createHmac, timingSafeEqual } from "node:crypto";

/** One file of one record. */
export interface FilePlace {
  readonly collectionId: string;
  readonly recordId: string;
  /** As the record holds it. */
  readonly name: string;
}

const PREFIX = "hfs1.";
const SHAPE = /^hfs1\.([0-9a-z]{1,11})\.([\w-]{43})$/;

/** Signs with a key of its own: 32 bytes, for this use only. */
export class UrlSigner {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** A token for `?token=` that counts until `expMs` (Unix ms, rounded up to a second). */
  sign(place: FilePlace, expMs: number): string {
    const exp = Math.ceil(expMs / 1000).toString(36);
    return `${PREFIX}${exp}.${this.#mac(place, exp)}`;
  }

  /** Whether a token was signed for this very file and still counts. */
  verify(token: string, place: FilePlace, nowMs: number): boolean {
    const [, exp = "", mac = ""] = SHAPE.exec(token) ?? [];
    if (mac === "" || Number.parseInt(exp, 36) * 1000 <= nowMs) return false;
    // As texts: the last character has bits that say nothing, and one token is one text.
    return timingSafeEqual(Buffer.from(mac), Buffer.from(this.#mac(place, exp)));
  }

  // A line each: none of them can hold a line end.
  #mac({ collectionId, recordId, name }: FilePlace, exp: string): string {
    const text = [exp, collectionId, recordId, name].join("\n");
    return createHmac("sha256", this.#key).update(text).digest("base64url");
  }
}

/** Whether a token means to be one of these. */
export const isSignedToken = (token: string): boolean => token.startsWith(PREFIX);
