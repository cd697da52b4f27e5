// PKCE (RFC 7636) and one-time secrets: making, hashing and comparing them. Knows no flow.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** A new secret of 256 random bits, 43 characters of base64url; long enough to be a PKCE verifier. */
export const newSecret = (): string => randomBytes(32).toString("base64url");

/** The base64url SHA-256 of a text: what is stored of a secret, and an S256 challenge of its verifier. */
export const sha256 = (text: string): string => createHash("sha256").update(text).digest("base64url");

const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;

/** Whether a text is an S256 challenge by its shape; `plain` ones are not taken. */
export const isChallenge = (text: string): boolean => CHALLENGE.test(text);

/** Compares two texts in a time that tells nothing about where they differ. */
export const isSameText = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
};
