// The nonces Hapta gives out for DPoP proofs (RFC 9449 section 8): no proof can be made in advance. They hold their own
// time and a MAC, so nothing is remembered and every process with the same key knows them.
import { createHmac, timingSafeEqual } from "node:crypto";

/** How long a nonce is the newest; it is taken for as long again. */
const SLOT_MS = 300_000;
const NONCE = /^([0-9a-z]{1,10})\.([A-Za-z0-9_-]{22})$/;

/** `ending`: still taken, but a newer one exists. */
export type NonceStanding = "current" | "ending" | "unknown";

export interface ServerNonces {
  mint(nowMs: number): string;
  standingOf(nonce: string, nowMs: number): NonceStanding;
}

/** @param key - Secret, at least 32 bytes. */
export const createServerNonces = (key: Uint8Array): ServerNonces => {
  const macOf = (slot: number): string =>
    createHmac("sha256", key).update(`hapta-dpop-nonce/1|${slot}`).digest("base64url").slice(0, 22);
  return {
    mint: (nowMs) => {
      const slot = Math.floor(nowMs / SLOT_MS);
      return `${slot.toString(36)}.${macOf(slot)}`;
    },
    standingOf: (nonce, nowMs) => {
      const [, text = "", mac] = NONCE.exec(nonce) ?? [];
      const slot = Number.parseInt(text, 36);
      const age = Math.floor(nowMs / SLOT_MS) - slot;
      if (mac === undefined || (age !== 0 && age !== 1)) return "unknown";
      if (!timingSafeEqual(Buffer.from(mac, "latin1"), Buffer.from(macOf(slot), "latin1"))) return "unknown";
      return age === 0 ? "current" : "ending";
    },
  };
};
