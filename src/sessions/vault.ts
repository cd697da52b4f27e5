// The vault: locks what must never be readable at rest (upstream tokens, session keys). AES-256-GCM; each blob
// opens only in the row and column it was locked for. Stores nothing.
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import type { KeyRing } from "./keys.ts";
import type { RandomSource } from "./sources.ts";

/** The place a blob belongs to: all of it is authenticated. */
export interface VaultPlace {
  readonly column: "sk" | "up";
  /** The session's row id. */
  readonly id: string;
  readonly cid: string;
  readonly uid: string;
}

export interface Vault {
  /** Locks bytes: `1 ‖ data key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`; 33 bytes longer than `plain`. */
  seal(place: VaultPlace, plain: Uint8Array): Uint8Array;
  /** The bytes, or undefined when the blob was changed, cut, moved or locked with a key that is gone. */
  open(place: VaultPlace, blob: Uint8Array): Buffer | undefined;
}

const VERSION = 1;
const HEAD_BYTES = 5;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param ring - Read at each call, so that a replaced ring counts at once. */
export const createVault = (ring: () => KeyRing, random: RandomSource): Vault => ({
  seal: (place, plain) => {
    const { vaultKeys, vaultKid } = ring();
    const dek = vaultKeys.get(vaultKid);
    if (dek === undefined) throw new TypeError("the ring's active data key is missing");
    const nonce = random(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", rowKey(dek, place), nonce);
    cipher.setAAD(contextOf(place, vaultKid));
    const body = [cipher.update(plain), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat([Buffer.of(VERSION), Buffer.from(vaultKid, "hex"), nonce, ...body]);
  },
  open: (place, blob) => {
    if (blob.length < HEAD_BYTES + NONCE_BYTES + TAG_BYTES || blob[0] !== VERSION) return undefined;
    const kid = Buffer.from(blob.subarray(1, HEAD_BYTES)).toString("hex");
    const dek = ring().vaultKeys.get(kid);
    if (dek === undefined) return undefined;
    const nonce = blob.subarray(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES);
    const decipher = createDecipheriv("aes-256-gcm", rowKey(dek, place), nonce);
    decipher.setAAD(contextOf(place, kid));
    decipher.setAuthTag(blob.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([
        decipher.update(blob.subarray(HEAD_BYTES + NONCE_BYTES, -TAG_BYTES)),
        decipher.final(),
      ]);
    } catch {
      // The tag does not fit: the blob is not what was locked here.
      return undefined;
    }
  },
});

const rowKey = (dek: Uint8Array, { id }: VaultPlace): Buffer =>
  Buffer.from(hkdfSync("sha256", dek, id, "hapta-vault/1", 32));

// Lengths before the parts: no two places share a context.
const contextOf = ({ column, id, cid, uid }: VaultPlace, kid: string): Buffer => {
  const parts = ["hapta-vault/1", "sessions", column, id, cid, uid, kid].map((part) => Buffer.from(part));
  return Buffer.concat(parts.flatMap((part) => [Buffer.of(part.length >> 8, part.length & 255), part]));
};
