// How many pixels a picture says it has, read from its first bytes while it flows: a small file can stand for gigabytes
// once somebody decodes it. Decodes nothing.

/** Bytes of a picture that are looked at: a JPEG may begin with megabytes of notes about it. */
const LOOKED_AT_MAX = 16_777_216;
const PIECE_BYTES = 32;
/** Segments of a JPEG that are looked at; cameras write some twenty. */
const SEGMENTS_MAX = 4_096;

/** Reads the size of one picture; anything else has none. Holds at most 32 bytes. */
export class PictureSize {
  /** Width times height; undefined as long as it is not known, infinite for what hides it too well. */
  pixels: number | undefined;
  #piece: Buffer = Buffer.alloc(0);
  /** Where in the file the piece begins; what comes before is skipped. */
  #pieceAt = 0;
  #at = 0;
  #segments = 0;
  #isOver = false;

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const end = this.#at + bytes.length;
    while (!this.#isOver && this.#pieceAt + this.#piece.length < end) {
      const from = this.#pieceAt + this.#piece.length - this.#at;
      const more = bytes.subarray(from, from + PIECE_BYTES - this.#piece.length);
      this.#piece = Buffer.concat([this.#piece, more]);
      if (this.#piece.length < PIECE_BYTES) break;
      if (this.#pieceAt === 0) this.#begin(this.#piece);
      else this.#readSegment(this.#piece);
    }
    this.#at = end;
  }

  #begin(head: Buffer): void {
    if (head[0] === 0xff && head[1] === 0xd8) return this.#skipTo(2);
    const size = sizeOf(head);
    if (size !== undefined) this.pixels = size[0] * size[1];
    this.#isOver = true;
  }

  // ITU-T T.81, B.1.1: a marker, the length of what follows, and in a frame's header its height and width.
  #readSegment(piece: Buffer): void {
    const marker = piece[1] ?? 0;
    // Before the data of the picture, and outside of it, there is nothing but markers.
    if (piece[0] !== 0xff) this.#isOver = true;
    else if (marker === 0xff) this.#skipTo(this.#pieceAt + 1);
    else if (FRAMES.has(marker)) {
      this.pixels = piece.readUInt16BE(5) * piece.readUInt16BE(7);
      this.#isOver = true;
    } else if (isAlone(marker)) this.#skipTo(this.#pieceAt + 2);
    else this.#skipTo(this.#pieceAt + 2 + piece.readUInt16BE(2));
  }

  #skipTo(at: number): void {
    const known = this.#pieceAt + this.#piece.length;
    // A part of the piece at hand may belong to the next one.
    this.#piece = at < known ? Buffer.from(this.#piece.subarray(at - this.#pieceAt)) : Buffer.alloc(0);
    this.#pieceAt = at;
    this.#segments += 1;
    if (at <= LOOKED_AT_MAX && this.#segments <= SEGMENTS_MAX) return;
    this.pixels = Number.POSITIVE_INFINITY;
    this.#isOver = true;
  }
}

const FRAMES = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);

const isAlone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);

/** Width and height of a PNG, GIF or WebP by its first 32 bytes. */
const sizeOf = (head: Buffer): readonly [number, number] | undefined => {
  const start = head.toString("latin1", 0, 16);
  if (start.startsWith("\x89PNG")) return [head.readUInt32BE(16), head.readUInt32BE(20)];
  if (start.startsWith("GIF8")) return [head.readUInt16LE(6), head.readUInt16LE(8)];
  if (!start.startsWith("RIFF") || start.slice(8, 12) !== "WEBP") return undefined;
  const kind = start.slice(12);
  if (kind === "VP8X") return [head.readUIntLE(24, 3) + 1, head.readUIntLE(27, 3) + 1];
  if (kind === "VP8L") {
    const bits = head.readUInt32LE(21);
    return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
  }
  return kind === "VP8 " ? [head.readUInt16LE(26) & 0x3fff, head.readUInt16LE(28) & 0x3fff] : undefined;
};
