// Signed requests: a profile of RFC 9421 with HMAC-SHA-256 and a secret per app. Verifies over values; reads no
// request, no clock of its own, and decides nothing about sessions.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { readSignatureInput, type SignatureInput } from "./signatureInput.ts";
import type { UsedNonces } from "./usedNonces.ts";

/** An app's keys; any of them counts. */
export interface SigningApp {
  readonly id: string;
  readonly secrets: readonly string[];
}

/** A request as its signature covers it. */
export interface SignedMessage {
  readonly method: string;
  /** Canonical path, escapes upper-cased. */
  readonly path: string;
  /** Without `?`, as received. */
  readonly query: string;
  /** End-to-end fields: flat list of names and values. */
  readonly headers: readonly string[];
  readonly authorizations: readonly string[];
  readonly hasBody: boolean;
  /** SHA-256 of the body as received, in base64; undefined for a body that is too large to be read first. */
  readonly bodyDigest: string | undefined;
}

/**
 * Why a signature is refused. `form`: not in the form Hapta takes; `coverage`: a part of the request is not covered;
 * `time`: made outside the window; `digest`: the body is another one; `replay`: used before; `full`: too many
 * requests of this app to remember them all.
 */
export type SignatureFault =
  | "form"
  | "coverage"
  | "time"
  | "app"
  | "signature"
  | "digest"
  | "replay"
  | "full";

export type SignatureResult =
  | { readonly ok: true; readonly appId: string }
  | { readonly ok: false; readonly fault: SignatureFault };

export interface SignatureParts {
  readonly apps: readonly SigningApp[];
  readonly used: UsedNonces;
  /** Unix ms. */
  readonly now: () => number;
  /** How far `created` may lie from now, in ms. */
  readonly windowMs: number;
}

/** Judges the signature of a request whose `Signature-Input` is there. Costs one HMAC per secret of its app. */
export type CheckSignature = (message: SignedMessage) => SignatureResult;

const DIGEST = /^sha-256=:([A-Za-z0-9+/]{43}=):$/;
const NO_BODY = createHash("sha256").digest("base64");
/** Fields that may be covered; all others mean nothing to Hapta. */
const FIELDS = new Set(["authorization", "content-digest", "content-type"]);

export const createSignatureCheck = ({ apps, used, now, windowMs }: SignatureParts): CheckSignature => {
  const byId = new Map(apps.map((app) => [app.id, app]));

  const appOf = (message: SignedMessage, input: SignatureInput): SigningApp | SignatureFault => {
    const base = signatureBase(message, input);
    if (base === undefined || !coversAll(message, input)) return "coverage";
    const app = byId.get(input.keyId);
    if (app === undefined) return "app";
    if (!app.secrets.some((secret) => isSame(mac(secret, base), input.signature))) return "signature";
    return hasItsDigest(message, input) ? app : "digest";
  };

  return (message) => {
    const input = inputOf(message);
    if (input === undefined) return refuse("form");
    const nowMs = now();
    const createdMs = input.created * 1000;
    if (Math.abs(nowMs - createdMs) > windowMs) return refuse("time");
    const app = appOf(message, input);
    if (typeof app === "string") return refuse(app);
    const verdict = used.take({ owner: app.id, nonce: input.nonce, createdMs, nowMs });
    return verdict === "fresh" ? { ok: true, appId: app.id } : refuse(FAULTS[verdict]);
  };
};

const FAULTS = { used: "replay", full: "full", closed: "time" } as const;

const refuse = (fault: SignatureFault): SignatureResult => ({ ok: false, fault });

const mac = (secret: string, base: string): string =>
  createHmac("sha256", secret).update(base, "latin1").digest("base64");

// Comparing the encoded texts leaves no second spelling of a signature.
const isSame = (expected: string, presented: string): boolean => {
  const [one, other] = [Buffer.from(expected, "latin1"), Buffer.from(presented, "latin1")];
  return one.length === other.length && timingSafeEqual(one, other);
};

const inputOf = (message: SignedMessage): SignatureInput | undefined => {
  const input = soleValue(message, "signature-input");
  const signature = soleValue(message, "signature");
  return input === undefined || signature === undefined ? undefined : readSignatureInput(input, signature);
};

// Undefined when absent, and when there are two: which one counts would be a guess.
const soleValue = ({ headers, authorizations }: SignedMessage, name: string): string | undefined => {
  if (name === "authorization") return authorizations.length === 1 ? authorizations[0] : undefined;
  const found: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === name) found.push(headers[i + 1] ?? "");
  }
  return found.length === 1 ? found[0] : undefined;
};

/** The text that is signed (RFC 9421 section 2.5); undefined when a covered component is missing or unknown. */
const signatureBase = (message: SignedMessage, input: SignatureInput): string | undefined => {
  const lines: string[] = [];
  for (const name of input.components) {
    const value = componentOf(message, name);
    if (value === undefined) return undefined;
    lines.push(`"${name}": ${value}`);
  }
  return [...lines, `"@signature-params": ${input.params}`].join("\n");
};

const componentOf = (message: SignedMessage, name: string): string | undefined => {
  switch (name) {
    case "@method":
      return message.method;
    case "@path":
      return message.path;
    case "@query":
      return `?${message.query}`;
    default:
      return FIELDS.has(name) ? soleValue(message, name) : undefined;
  }
};

/** Whether everything that decides what the request does is covered: target, token, body and how it is read. */
const coversAll = (message: SignedMessage, { components }: SignatureInput): boolean => {
  const needed = ["@method", "@path", "@query"];
  if (message.authorizations.length > 0) needed.push("authorization");
  if (message.hasBody && soleValue(message, "content-type") !== undefined) needed.push("content-type");
  if (message.hasBody && message.bodyDigest !== undefined) needed.push("content-digest");
  return needed.every((name) => components.includes(name));
};

const hasItsDigest = (message: SignedMessage, { components }: SignatureInput): boolean => {
  if (!components.includes("content-digest")) return true;
  const [, digest] = DIGEST.exec(soleValue(message, "content-digest") ?? "") ?? [];
  return digest !== undefined && digest === (message.hasBody ? message.bodyDigest : NO_BODY);
};
