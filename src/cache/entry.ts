// One kept answer: its bytes, its headers as they leave, its entity tag and its lease, and how it leaves. Holds none.
import type { Answer } from "../http/answer.ts";
import { mayHoldTokens, withheldText } from "../utils/upstreamTokens.ts";
import type { Lease } from "./versions.ts";

/** A kept answer. Bytes and headers are never changed: who sends it copies the headers. */
export interface Entry {
  readonly key: string;
  readonly status: number;
  /** Flat list; has the ETag, no Date and no Content-Length. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** Strong entity tag with its quotes: equal tags mean equal bytes. */
  readonly etag: string;
  readonly lease: Lease;
  readonly storedMs: number;
  hits: number;
}

/** What an answer looks like that nobody else will read from: an entity tag and nothing of this hop. */
export interface Kept {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  readonly etag: string;
}

/** Written anew for each answer. */
const OWN = new Set(["date", "content-length"]);

/**
 * Turns a whole answer into what may be kept.
 * @returns undefined when it says itself that it is not for others (Set-Cookie, Cache-Control, Vary, an encoding), or
 * holds a token.
 */
export const toKept = ({ status, headers }: Answer, body: Uint8Array): Kept | undefined => {
  if (mayHoldTokens(body)) return undefined;
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const [name = "", value = ""] = [headers[i], headers[i + 1]];
    const lower = name.toLowerCase();
    if (isPrivate(lower, value) || withheldText(value) !== value) return undefined;
    if (!OWN.has(lower)) kept.push(name, value);
  }
  const etag = etagOf(body);
  kept.push("ETag", etag);
  return { status, headers: kept, body: new Uint8Array(body), etag };
};

const isPrivate = (lower: string, value: string): boolean => {
  if (lower === "set-cookie" || lower === "etag" || lower === "content-encoding") return true;
  if (lower === "cache-control") return /no-store|no-cache|private/i.test(value);
  if (lower !== "vary") return false;
  return value.split(",").some((one) => !/^\s*(?:origin|accept-encoding)?\s*$/i.test(one));
};

// Of the bytes alone, so that it outlives a restart and is the same on every node.
const etagOf = (body: Uint8Array): string =>
  `"${new Bun.CryptoHasher("blake2b256").update(body).digest("base64url").slice(0, 24)}"`;

/** Whether it names the tag; compared as RFC 9110 section 13.1.2 says, weakly. */
const namesTag = (ifNoneMatch: string, etag: string): boolean => {
  if (ifNoneMatch === etag) return true;
  return ifNoneMatch.split(",").some((one) => {
    const tag = one.trim();
    return tag === "*" || tag === etag || tag === `W/${etag}`;
  });
};

const NOT_IN_304 = "content-type";

/** The answer, or a 304 when `ifNoneMatch` names its entity tag (RFC 9110 section 13.1.2). */
export const keptAnswer = (kept: Kept, ifNoneMatch: string | undefined): Answer => {
  if (ifNoneMatch === undefined || kept.status !== 200 || !namesTag(ifNoneMatch, kept.etag))
    return { status: kept.status, headers: kept.headers.slice(), body: kept.body };
  const headers: string[] = [];
  for (let i = 0; i < kept.headers.length; i += 2) {
    const name = kept.headers[i] ?? "";
    if (name.toLowerCase() !== NOT_IN_304) headers.push(name, kept.headers[i + 1] ?? "");
  }
  return { status: 304, headers, body: null };
};
