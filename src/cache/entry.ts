// One kept answer: its bytes, its headers as they leave, its entity tag and its lease, and how it leaves. Holds none, and
// encodes none.
import type { Answer } from "../http/answer.ts";
import { type AnswerFrame, toFrame } from "../http/answerHead.ts";
import { withHeadRoom } from "../http/headRoom.ts";
import { addVary, keptPrivate } from "../utils/headers.ts";
import { mayHoldTokens, withheldText } from "../utils/upstreamTokens.ts";
import { CODINGS, type Coding } from "./codings.ts";
import type { Lease } from "./versions.ts";

/** An answer as it leaves. Bytes and headers are never changed. */
export interface Kept {
  readonly status: number;
  /** Flat list; has the ETag, no Date and no Content-Length. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** Strong entity tag with its quotes: equal tags mean equal bytes. */
  readonly etag: string;
  /** The same in fewer bytes, as far as it is made; undefined for what may only leave as it is. */
  readonly variants: Map<Coding, Kept | undefined> | undefined;
  /** Made when they are needed. */
  readonly frames: { guest?: Frames; caller?: Frames };
}

/** Who asks, as far as headers go. */
interface Reader {
  /** What PocketBase would get; undefined for guests. */
  readonly credential: string | undefined;
}

/** What an answer, and the 304 in its place, start with. */
interface Frames {
  whole?: AnswerFrame;
  unchanged?: AnswerFrame;
}

/** What a read is called. */
export interface ReadMark {
  /** What is read and who may share the answer; no two reads have the same. */
  readonly key: string;
  /** A name that an operator gave to reads like this one. */
  readonly name: string | undefined;
}

/** A kept answer, and what it is kept under. */
export interface Entry extends Kept, ReadMark {
  readonly lease: Lease;
  readonly storedMs: number;
  hits: number;
  /** Given since the store last looked for something to drop. */
  isUsed: boolean;
}

/** Whom an answer is for. */
export interface Audience {
  /** Everybody may read it. */
  readonly isPublic?: boolean;
  /**
   * It may leave encoded. Only what everybody may read: the length of an encoded answer tells about the secrets in it when
   * somebody else chooses a part of its text (BREACH).
   */
  readonly isEncodable?: boolean;
}

/** Written anew for each answer. */
const OWN = new Set(["date", "content-length"]);

/** From this size on, bodies lie behind room for their head. */
const ROOM_FROM_BYTES = 4_096;

/** Below this, a smaller variant saves no packet. */
const ENCODABLE_BYTES_MIN = 1_400;

/**
 * Turns a whole answer into what may be kept.
 * @returns undefined when it says itself that it is not for others (Set-Cookie, Cache-Control, Vary, an encoding), or
 * holds a token.
 */
export const toKept = (
  { status, headers }: Answer,
  body: Uint8Array,
  { isPublic = false, isEncodable = false }: Audience = {},
): Kept | undefined => {
  if (mayHoldTokens(body)) return undefined;
  const kept = keptFields(headers);
  if (kept === undefined) return undefined;
  const isEncoded = isEncodable && status === 200 && body.length >= ENCODABLE_BYTES_MIN;
  // Also on the plain bytes, and on a guest's, for those who keep them on the way.
  if (isEncoded) addVary(kept, "Accept-Encoding");
  if (!isPublic) addVary(kept, "Authorization");
  const etag = etagOf(body);
  kept.push("ETag", etag);
  return {
    status,
    headers: kept,
    body: copyOf(body),
    etag,
    variants: isEncoded ? new Map() : undefined,
    frames: {},
  };
};

/** The fields of an answer that may be given again, a new flat list; undefined as {@link toKept}. */
export const keptFields = (headers: readonly string[]): string[] | undefined => {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const [name = "", value = ""] = [headers[i], headers[i + 1]];
    const lower = name.toLowerCase();
    if (isPrivate(lower, value) || withheldText(value) !== value) return undefined;
    if (!OWN.has(lower)) kept.push(name, value);
  }
  return kept;
};

/** The answer in a content coding, with a tag of its own. */
export const toVariant = ({ status, headers, etag }: Kept, coding: Coding, body: Uint8Array): Kept => {
  const tag = `${etag.slice(0, -1)}-${coding}"`;
  const own = headers.map((text) => (text === etag ? tag : text));
  own.push("Content-Encoding", coding);
  return { status, headers: own, body: copyOf(body), etag: tag, variants: undefined, frames: {} };
};

// Of a small body a copy costs nothing; its head would need more room than it does.
const copyOf = (body: Uint8Array): Uint8Array =>
  body.length < ROOM_FROM_BYTES ? new Uint8Array(body) : withHeadRoom(body);

const isPrivate = (lower: string, value: string): boolean => {
  if (lower === "set-cookie" || lower === "etag" || lower === "content-encoding") return true;
  if (lower === "cache-control") return /no-store|no-cache|private/i.test(value);
  if (lower !== "vary") return false;
  return value.split(",").some((one) => !/^\s*(?:origin|accept-encoding)?\s*$/i.test(one));
};

// Of the bytes alone, so that it outlives a restart and is the same on every node.
const etagOf = (body: Uint8Array): string =>
  `"${new Bun.CryptoHasher("blake2b256").update(body).digest("base64url").slice(0, TAG_CHARS)}"`;

/** Characters of a tag between its quotes, without the mark of a coding. */
const TAG_CHARS = 24;
const MARKS = new Set(["", ...CODINGS.map((coding) => `-${coding}`)]);

/** The tag of this answer, in whichever coding, that a client names; compared weakly (RFC 9110 section 13.1.2). */
const namedTag = (ifNoneMatch: string, etag: string): string | undefined => {
  if (ifNoneMatch === etag) return etag;
  for (const one of ifNoneMatch.split(",")) {
    const tag = one.trim().replace(/^W\//, "");
    if (tag === "*") return etag;
    const isSame = tag.startsWith(etag.slice(0, TAG_CHARS + 1)) && tag.endsWith('"');
    if (isSame && MARKS.has(tag.slice(TAG_CHARS + 1, -1))) return tag;
  }
  return undefined;
};

const NOT_IN_304 = new Set(["content-type", "content-encoding"]);

/**
 * The answer, or a 304 when `ifNoneMatch` names its entity tag (RFC 9110 section 13.1.2): the client has the same in a
 * coding that it could read.
 */
export const keptAnswer = (kept: Kept, reader: Reader, ifNoneMatch: string | undefined): Answer => {
  const tag = ifNoneMatch === undefined || kept.status !== 200 ? undefined : namedTag(ifNoneMatch, kept.etag);
  const { status, body } = kept;
  const frames = framesOf(kept, reader);
  if (tag === undefined) {
    frames.whole ??= toFrame(status, fieldsFor(kept, reader), body);
    return { status, headers: frames.whole.headers, body, frame: frames.whole };
  }
  if (tag !== kept.etag) return { status: 304, headers: fieldsOf304(kept, reader, tag), body: null };
  frames.unchanged ??= toFrame(304, fieldsOf304(kept, reader, tag));
  return { status: 304, headers: frames.unchanged.headers, body: null, frame: frames.unchanged };
};

const framesOf = ({ frames }: Kept, { credential }: Reader): Frames => {
  const who = credential === undefined ? "guest" : "caller";
  frames[who] ??= {};
  return frames[who];
};

const fieldsFor = ({ headers }: Kept, { credential }: Reader): readonly string[] =>
  credential === undefined ? headers : keptPrivate(headers);

const fieldsOf304 = (kept: Kept, reader: Reader, tag: string): string[] => {
  const all = fieldsFor(kept, reader);
  const fields: string[] = [];
  for (let i = 0; i < all.length; i += 2) {
    const [name = "", value = ""] = [all[i], all[i + 1]];
    if (!NOT_IN_304.has(name.toLowerCase())) fields.push(name, value === kept.etag ? tag : value);
  }
  return fields;
};
