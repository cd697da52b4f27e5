// One kept file: what PocketBase says about it, where its bytes are, and how long it counts. Reads and writes nothing.
import type { Answer } from "../http/answer.ts";
import { type AnswerFrame, toFrame } from "../http/answerHead.ts";

/** Whether what a file depends on has stayed as it was. */
export interface FileLease {
  holds(): boolean;
}

/** A file that is kept. */
export interface FileEntry {
  readonly key: string;
  /** As PocketBase sent them, without those of the hop, of the length and of pages that may read. */
  readonly headers: readonly string[];
  readonly length: number;
  /** Strong: made of the bytes alone. */
  readonly etag: string;
  readonly lastModified: string | undefined;
  /** Value of `Access-Control-Allow-Origin`; undefined while it was only asked for without an Origin. */
  readonly allowsOrigin: string | undefined;
  /** At hand, for small ones, with room for a head in front of it. */
  body: Uint8Array | undefined;
  /** What the whole file starts with each time it leaves; made when it is needed. */
  frame?: AnswerFrame;
  /** How often it was read. */
  hits: number;
  /** Undefined after a restart: PocketBase is asked whether it still has the file. */
  lease: FileLease | undefined;
  /** The bytes on disk were compared with the checksum since the start, or written since. */
  isProven: boolean;
}

/** What a file's answer says, without its bytes. */
export type FileFacts = Pick<FileEntry, "headers" | "lastModified" | "allowsOrigin">;

/** Written anew for each answer. */
const OWN = new Set(["date", "content-length", "connection", "access-control-allow-origin"]);

/**
 * What is kept of an answer with a file.
 * @returns undefined when it is not for everybody, is not whole, or comes without what a file of PocketBase's has.
 */
export const factsOf = ({ status, headers }: Answer): FileFacts | undefined => {
  if (status !== 200) return undefined;
  const kept: string[] = [];
  let lastModified: string | undefined;
  let allowsOrigin: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const [name = "", value = ""] = [headers[i], headers[i + 1]];
    const lower = name.toLowerCase();
    if (isPersonal(lower, value)) return undefined;
    if (lower === "last-modified") lastModified = value;
    if (lower === "access-control-allow-origin") allowsOrigin = value;
    if (!OWN.has(lower)) kept.push(name, value);
  }
  return { headers: kept, lastModified, allowsOrigin };
};

const isPersonal = (lower: string, value: string): boolean => {
  if (lower === "set-cookie" || lower === "etag" || lower === "content-encoding") return true;
  if (lower === "cache-control") return /no-store|no-cache|private/i.test(value);
  return lower === "vary" && !/^\s*origin\s*$/i.test(value);
};

/** The answer with the whole file. */
export const wholeAnswer = (entry: FileEntry, body: NonNullable<Answer["body"]>): Answer => {
  const { etag, headers, length } = entry;
  const atHand = entry.body;
  entry.frame ??= toFrame(200, [...headers, "ETag", etag, "Content-Length", String(length)], atHand);
  const { frame } = entry;
  return { status: 200, headers: frame.headers, body, frame };
};

/** The entity tag for a digest of a file's bytes. */
export const tagOf = (digest: Uint8Array): string =>
  `"${Buffer.from(digest).toString("base64url").slice(0, 24)}"`;

/** Makes digests of files. Most processors have instructions for this one: a first download is as fast as it is. */
export const createFileHasher = (): Bun.CryptoHasher => new Bun.CryptoHasher("sha256");
