// Bytes that many answers are given as they are: framed once, however many take them. Sends nothing.

const CRLF = Buffer.from("\r\n");

/** One chunk of HTTP/1.1 (RFC 9112 section 7.1). */
export const frameChunk = (parts: readonly Uint8Array[]): Buffer => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from(`${length.toString(16)}\r\n`, "latin1"), ...parts, CRLF]);
};

/** Never changed, and nobody's to free. At least one byte: an empty chunk would end a body. */
export class SharedBytes {
  readonly chunk: Uint8Array;
  readonly bytes: Uint8Array;

  constructor(parts: readonly Uint8Array[]) {
    this.chunk = frameChunk(parts);
    const end = this.chunk.length - CRLF.length;
    this.bytes = this.chunk.subarray(end - parts.reduce((sum, part) => sum + part.length, 0), end);
  }
}
