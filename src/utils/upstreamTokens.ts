// Finds PocketBase's tokens in bytes and takes their worth away. Believes no token and opens no session.
import { claimsOf } from "./jwt.ts";

/**
 * How every token of PocketBase's begins: `{"alg":"HS256","typ":"JWT"}` in base64url, and the dot. It takes no other
 * header, and the signature covers it, so no second spelling of a token that counts exists.
 */
const HEAD = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
const HEAD_BYTES = Buffer.from(HEAD, "latin1");
const FIRST = HEAD.charCodeAt(0);
const DOT = 0x2e;
/** Longest claims that are looked into, in characters; PocketBase's own take about 150. */
const CLAIMS_MAX = 4096;
/** HS256 in base64url. */
const SIGNATURE_LENGTH = 43;
/** Shorter texts hold no token. */
export const TOKEN_LENGTH_MIN = 100;
const FILLER = 0x78;

/** Whether claims make a token worth something by itself; those that are sent by mail only confirm one thing. */
const isCredential = (token: string): boolean => {
  const { id, collectionId, type } = claimsOf(token) ?? {};
  return id !== undefined && collectionId !== undefined && (type === "auth" || type === "file");
};

/** Whether the bytes may hold a token: one search, about 0.1 us for a kilobyte. */
export const mayHoldTokens = (bytes: Uint8Array): boolean => firstIn(bytes, 0) >= 0;

// Looked for from each HEAD on, so that none hides behind another.
const TOKENS = new RegExp(
  `(?=(${HEAD.replace(".", "\\.")}[\\w-]{1,${CLAIMS_MAX}}\\.[\\w-]{${SIGNATURE_LENGTH}}))`,
  "g",
);

/** Every token of PocketBase's for logins and files that a text holds, each once. */
export const upstreamTokensIn = (text: string): string[] => {
  if (text.length < TOKEN_LENGTH_MIN || !text.includes(HEAD)) return [];
  const found = Array.from(text.matchAll(TOKENS), ([, token = ""]) => token);
  return [...new Set(found)].filter(isCredential);
};

/** The text with every token's signature made worthless; the same text when there is none. The length stays. */
export const withheldText = (text: string): string =>
  text.length < TOKEN_LENGTH_MIN || !text.includes(HEAD)
    ? text
    : Buffer.from(new TokenFilter().pass(Buffer.from(text, "latin1"))).toString("latin1");

/**
 * Makes tokens worthless in bytes that arrive in pieces of any size: the 43 characters of the signature become `x`.
 * Header and claims are no secret, so nothing is ever held back and no length changes. Remembers at most the claims
 * of one token (4 KB), whatever arrives.
 */
export class TokenFilter {
  /** How much of HEAD the latest bytes are. No byte of it but the first is an `e`, so a mismatch starts over. */
  #matched = 0;
  /** The claims so far, behind a HEAD. */
  #claims: string | undefined;
  /** Characters of a signature that are still to come. */
  #left = 0;

  /** The same bytes, or a copy with worthless signatures. */
  pass(bytes: Uint8Array): Uint8Array {
    let out = bytes;
    for (let at = 0; at < bytes.length; at++) {
      if (this.#matched === 0 && this.#claims === undefined && this.#left === 0) {
        at = nextStart(bytes, at);
        if (at < 0) break;
      }
      const byte = bytes[at] ?? 0;
      if (this.#left > 0 && this.#isSigned(byte)) {
        if (out === bytes) out = Buffer.from(bytes);
        out[at] = FILLER;
      }
      this.#read(byte);
    }
    return out;
  }

  #isSigned(byte: number): boolean {
    this.#left = isTokenCharacter(byte) ? this.#left - 1 : 0;
    return isTokenCharacter(byte);
  }

  #read(byte: number): void {
    if (byte === HEAD_BYTES[this.#matched]) this.#matched++;
    else this.#matched = byte === FIRST ? 1 : 0;
    if (this.#claims !== undefined) this.#readClaims(this.#claims, byte);
    if (this.#matched === HEAD_BYTES.length) {
      this.#matched = 0;
      this.#claims = "";
    }
  }

  #readClaims(claims: string, byte: number): void {
    const goesOn = isTokenCharacter(byte) && claims.length < CLAIMS_MAX;
    this.#claims = goesOn ? claims + String.fromCharCode(byte) : undefined;
    if (byte === DOT && isCredential(HEAD + claims)) this.#left = SIGNATURE_LENGTH;
  }
}

const firstIn = (bytes: Uint8Array, from: number): number =>
  bytes.length - from < HEAD_BYTES.length ? -1 : Buffer.prototype.indexOf.call(bytes, HEAD_BYTES, from);

// Where a whole HEAD begins, or the last bytes that may be the beginning of one; -1 when there is nothing of it.
const nextStart = (bytes: Uint8Array, from: number): number => {
  const whole = firstIn(bytes, from);
  if (whole >= 0) return whole;
  for (let at = Math.max(from, bytes.length - HEAD_BYTES.length + 1); at < bytes.length; at++) {
    if (bytes[at] === FIRST && HEAD_BYTES.subarray(0, bytes.length - at).equals(bytes.subarray(at)))
      return at;
  }
  return -1;
};

const isTokenCharacter = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) ||
  (byte >= 0x41 && byte <= 0x5a) ||
  (byte >= 0x30 && byte <= 0x39) ||
  byte === 0x2d ||
  byte === 0x5f;
