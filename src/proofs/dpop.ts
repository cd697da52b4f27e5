// DPoP proofs (RFC 9449): a short JWT, signed by a key that only the client has, for one request. Verifies over values;
// whether a session is bound to the key is not asked here.
import { createHash } from "node:crypto";
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, type JWTVerifyResult, jwtVerify } from "jose";
import type { ServerNonces } from "./serverNonces.ts";

/** A request as a proof must describe it. */
export interface ProvenRequest {
  /** The `DPoP` field. */
  readonly proof: string;
  readonly method: string;
  /** The Host field. */
  readonly host: string;
  /** Whether it is known that the client came by https; else either scheme is taken. */
  readonly isSecure: boolean;
  /** Canonical path. */
  readonly path: string;
  /** The token it came with; undefined without one. */
  readonly token: string | undefined;
}

/** A proof that is right in itself; whether it is the first of its kind is for {@link Proof.jti} to say. */
export interface Proof {
  /** Thumbprint of the key (RFC 7638, SHA-256). */
  readonly jkt: string;
  readonly jti: string;
  readonly createdMs: number;
  /** The nonce to use from now on, when the one of the proof is about to run out. */
  readonly nextNonce: string | undefined;
}

/** Why a proof is refused. `nonce`: everything else is right, but it has no nonce of ours, or an old one. */
export type ProofFault = "form" | "key" | "method" | "target" | "token" | "time" | "nonce";

export type ProofResult =
  | { readonly ok: true; readonly proof: Proof }
  | { readonly ok: false; readonly fault: ProofFault };

export interface ProofParts {
  readonly nonces: ServerNonces;
  /** Unix ms. */
  readonly now: () => number;
  /** How far `iat` may lie from now, in ms. */
  readonly windowMs: number;
}

/** Judges a proof. Never rejects. */
export type CheckProof = (request: ProvenRequest) => Promise<ProofResult>;

/** What a proof may be signed with: curves that browsers and phones have, whose verification has a bounded cost. */
export const PROOF_ALGORITHMS: readonly string[] = ["ES256", "ES384", "EdDSA", "Ed25519"];

const PROOF_LENGTH_MAX = 2048;
const SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const JTI = /^[\x21-\x7e]{8,128}$/;
/** Members of a JWK that hold, or are part of, a private or shared key (RFC 7518 section 6). */
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

export const createProofCheck = ({ nonces, now, windowMs }: ProofParts): CheckProof => {
  return async (request) => {
    const nowMs = now();
    const claims = await readProof(request.proof, nowMs);
    if (typeof claims === "string") return refuse(claims);
    const fault = faultOf(claims, request);
    if (fault !== undefined) return refuse(fault);
    const createdMs = claims.iat * 1000;
    if (!(Math.abs(nowMs - createdMs) <= windowMs)) return refuse("time");
    const standing = nonces.standingOf(claims.nonce, nowMs);
    if (standing === "unknown") return refuse("nonce");
    const jkt = await calculateJwkThumbprint(claims.jwk, "sha256");
    const nextNonce = standing === "ending" ? nonces.mint(nowMs) : undefined;
    return { ok: true, proof: { jkt, jti: claims.jti, createdMs, nextNonce } };
  };
};

/** The claims of a proof whose signature is right, with their types. */
interface ProofClaims {
  readonly jwk: JWK;
  readonly jti: string;
  readonly iat: number;
  readonly htm: unknown;
  readonly htu: unknown;
  readonly ath: unknown;
  /** "" when absent. */
  readonly nonce: string;
}

const readProof = async (proof: string, nowMs: number): Promise<ProofClaims | ProofFault> => {
  const verified = await verify(proof, nowMs);
  const jwk = verified?.protectedHeader.jwk;
  if (verified === undefined || jwk === undefined) return "form";
  if (PRIVATE_MEMBERS.some((member) => member in jwk)) return "key";
  const { jti, iat, nonce, htm, htu, ath } = verified.payload;
  if (typeof jti !== "string" || !JTI.test(jti) || typeof iat !== "number") return "form";
  return { jwk, jti, iat, htm, htu, ath, nonce: typeof nonce === "string" ? nonce : "" };
};

/** What of the request a proof describes wrongly. */
const faultOf = ({ htm, htu, ath }: ProofClaims, request: ProvenRequest): ProofFault | undefined => {
  if (htm !== request.method) return "method";
  if (!namesTarget(htu, request)) return "target";
  return ath === hashOf(request.token) ? undefined : "token";
};

const refuse = (fault: ProofFault): ProofResult => ({ ok: false, fault });

const verify = async (proof: string, nowMs: number): Promise<JWTVerifyResult | undefined> => {
  if (proof.length > PROOF_LENGTH_MAX || !SHAPE.test(proof)) return undefined;
  try {
    return await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...PROOF_ALGORITHMS],
      typ: "dpop+jwt",
      currentDate: new Date(nowMs),
    });
  } catch {
    return undefined; // not a proof, or not signed by the key it shows
  }
};

const hashOf = (token: string | undefined): string | undefined =>
  token === undefined ? undefined : createHash("sha256").update(token, "latin1").digest("base64url");

// Query and fragment do not count (RFC 9449 section 4.3); the scheme is only known behind a proxy that is trusted.
const namesTarget = (htu: unknown, { host, isSecure, path }: ProvenRequest): boolean => {
  const target = typeof htu === "string" ? toUrl(htu) : undefined;
  if (target === undefined || (target.protocol !== "https:" && (isSecure || target.protocol !== "http:")))
    return false;
  const own = toUrl(`${target.protocol}//${host}`);
  if (target.username !== "" || target.password !== "") return false;
  return own !== undefined && target.host === own.host && upperEscapes(target.pathname) === path;
};

const toUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

const upperEscapes = (path: string): string => path.replace(/%[0-9a-f]{2}/gi, (text) => text.toUpperCase());
