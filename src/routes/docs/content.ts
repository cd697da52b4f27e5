// What the docs are sent as: bytes, the same bytes compressed, and their tag. Knows no requests.
import { createHash } from "node:crypto";

/** A file or a description, ready to be sent. */
export interface Content {
  /** Strong, quoted. */
  readonly etag: string;
  readonly bytes: Uint8Array;
  readonly gzipped: Uint8Array;
}

/** Compresses and tags; 5 ms for the description of 200 collections, which becomes a twentieth. */
export const toContent = (bytes: Uint8Array<ArrayBuffer>): Content => {
  const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
  return { etag: `"${hash}"`, bytes, gzipped: Bun.gzipSync(bytes) };
};
