// PKCE verifiers that Hapta hands out in place of PocketBase's: each says, without anything being stored, that Hapta
// made it, for which provider of which collection, and when. So a code can only be redeemed in the flow it belongs to.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** The provider a verifier is for. */
export interface VerifierPlace {
  /** Id of the auth collection. */
  readonly cid: string;
  /** PocketBase's name of the provider, such as `google`. */
  readonly provider: string;
}

export interface IssuedVerifiers {
  /** A new verifier: 64 characters of base64url, 160 random bits. */
  issue(place: VerifierPlace): string;
  /** Whether `verifier` was issued for this place within the last ten minutes. */
  isOurs(verifier: string, place: VerifierPlace): boolean;
}

const SHAPE = /^[A-Za-z0-9_-]{64}$/;
const NONCE_BYTES = 20;
const TIME_BYTES = 4;
const MAC_BYTES = 24;
const LIFETIME_S = 600;
/** Several processes may share the key; their clocks differ a little. */
const SKEW_S = 30;

/** @param key - 32 bytes of its own use. @param now - Unix time in ms. */
export const createIssuedVerifiers = (key: Uint8Array, now: () => number): IssuedVerifiers => {
  const macOf = (head: Uint8Array, { cid, provider }: VerifierPlace): Buffer => {
    const place = JSON.stringify(["hapta-verifier/1", cid, provider]);
    return createHmac("sha256", key).update(place).update("\0").update(head).digest().subarray(0, MAC_BYTES);
  };
  const seconds = (): number => Math.floor(now() / 1000);
  return {
    issue: (place) => {
      const head = Buffer.alloc(NONCE_BYTES + TIME_BYTES);
      randomBytes(NONCE_BYTES).copy(head);
      head.writeUInt32BE(seconds(), NONCE_BYTES);
      return Buffer.concat([head, macOf(head, place)]).toString("base64url");
    },
    isOurs: (verifier, place) => {
      if (!SHAPE.test(verifier)) return false;
      const bytes = Buffer.from(verifier, "base64url");
      const head = bytes.subarray(0, NONCE_BYTES + TIME_BYTES);
      const ageS = seconds() - head.readUInt32BE(NONCE_BYTES);
      if (ageS > LIFETIME_S || ageS < -SKEW_S) return false;
      return timingSafeEqual(bytes.subarray(head.length), macOf(head, place));
    },
  };
};
