// The hash of PKCE (RFC 7636). Knows no flow.
import { createHash } from "node:crypto";

/** The base64url SHA-256 of a text: what is stored of a secret, and an S256 challenge of its verifier. */
export const sha256 = (text: string): string => createHash("sha256").update(text).digest("base64url");
