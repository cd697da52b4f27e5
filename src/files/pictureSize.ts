// How many pixels a picture says it has, read from its first bytes while it flows: a small file can stand for gigabytes
// once somebody decodes it. Looks where PocketBase's decoders look (Go's), and decodes nothing.

const PIECE_BYTES = 32;
/** Segments of a JPEG or chunks of a WebP are short below this. Cameras write some twenty of any length. */
const SHORT_BYTES = 1_024;
/** So many short ones are looked at: each costs as much as a long one, which takes its time to arrive. */
const SHORT_MAX = 4_096;

/** Reads the size of one picture; anything else has none. Holds at most 32 bytes. */
export class PictureSize {
  /** Width times height; undefined as long as it is not known, infinite for what hides it too well. */
  pixels: number | undefined;
  #kind: "jpeg" | "webp" | undefined;
  #piece: Buffer = Buffer.alloc(0);
  /** Where in the file the piece begins; what comes before is skipped. */
  #pieceAt = 0;
  #at = 0;
  #shortOnes = 0;
  #isOver = false;

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const end = this.#at + bytes.length;
    for (let isEnough = true; isEnough && !this.#isOver; ) {
      const from = this.#pieceAt + this.#piece.length - this.#at;
      const more = bytes.subarray(from, from + PIECE_BYTES - this.#piece.length);
      this.#piece = Buffer.concat([this.#piece, more]);
      isEnough = this.#read(this.#piece);
    }
    this.#at = end;
  }

  /** Whether the piece at hand was long enough for what it is. */
  #read(piece: Buffer): boolean {
    if (this.#kind === "jpeg") return piece.length >= 9 && this.#readSegment(piece);
    if (this.#kind === "webp") return piece.length >= chunkBytesMin(piece) && this.#readChunk(piece);
    return piece.length >= 24 && this.#begin(piece);
  }

  #begin(head: Buffer): true {
    const start = head.toString("latin1", 0, 12);
    if (start.startsWith("\xff\xd8\xff")) {
      this.#kind = "jpeg";
      this.#skip(2);
    } else if (start.startsWith("RIFF") && start.endsWith("WEBP")) {
      this.#kind = "webp";
      this.#skip(12);
    } else {
      if (start.startsWith("\x89PNG")) this.pixels = head.readUInt32BE(16) * head.readUInt32BE(20);
      else if (start.startsWith("GIF8")) this.pixels = head.readUInt16LE(6) * head.readUInt16LE(8);
      this.#isOver = true;
    }
    return true;
  }

  // ITU-T T.81, B.1.1: a marker, the length of what follows, and in a frame's header its height and width. Whatever else
  // lies between segments decoders pass over, PocketBase's too.
  #readSegment(piece: Buffer): true {
    const marker = piece[0] === 0xff ? piece[1] : 0;
    if (marker === undefined || marker === 0) this.#skip(nextMarker(piece));
    else if (marker === 0xff) this.#skip(1);
    else if (FRAMES.has(marker)) {
      this.pixels = piece.readUInt16BE(5) * piece.readUInt16BE(7);
      this.#isOver = true;
    } else if (marker === START_OF_SCAN) this.#isOver = true;
    else this.#skip(isAlone(marker) ? 2 : 2 + piece.readUInt16BE(2));
    return true;
  }

  // RFC 9649, 2.3: a name, the length of what follows, and that. The first chunk may say less than there is.
  #readChunk(piece: Buffer): true {
    const name = piece.toString("latin1", 0, 4);
    this.pixels = Math.max(this.pixels ?? 0, pixelsOf(name, piece));
    const length = piece.readUInt32LE(4);
    if (name === "VP8 " || name === "VP8L") this.#isOver = true;
    else this.#skip(8 + length + (length % 2));
    return true;
  }

  #skip(count: number): void {
    // A part of the piece at hand may belong to the next one.
    this.#piece = this.#piece.subarray(count);
    this.#pieceAt += count;
    if (count < SHORT_BYTES) this.#shortOnes += 1;
    if (this.#shortOnes <= SHORT_MAX) return;
    this.pixels = Number.POSITIVE_INFINITY;
    this.#isOver = true;
  }
}

const START_OF_SCAN = 0xda;
const FRAMES = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);

const isAlone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);

/** Where the next marker may begin. */
const nextMarker = (piece: Buffer): number => {
  const at = piece.indexOf(0xff, 1);
  return at < 0 ? piece.length : at;
};

/** A picture without loss may end behind the 13th byte of its chunk, and stand for as many pixels as any. */
const chunkBytesMin = (chunk: Buffer): number => (chunk.toString("latin1", 0, 4) === "VP8L" ? 13 : 18);

/** As a chunk of a WebP says; 0 for one that says nothing about it. */
const pixelsOf = (name: string, chunk: Buffer): number => {
  if (name === "VP8X") return (chunk.readUIntLE(12, 3) + 1) * (chunk.readUIntLE(15, 3) + 1);
  if (name === "VP8 ") return (chunk.readUInt16LE(14) & 0x3fff) * (chunk.readUInt16LE(16) & 0x3fff);
  if (name !== "VP8L") return 0;
  const bits = chunk.readUInt32LE(9);
  return ((bits & 0x3fff) + 1) * (((bits >>> 14) & 0x3fff) + 1);
};
