// Reads a multipart/form-data body as it arrives: events out, nothing kept but a possible piece of a
// delimiter and the headers of one part. Knows nothing about what parts mean; stops at the first doubt.
import { isBoundary } from "./contentType.ts";
import { MultipartError } from "./multipartError.ts";
import { type PartInfo, parsePartHeaders } from "./partHeaders.ts";

/** What a body is read into, in order: (part data* partEnd)* end. What a handler throws stops the parser. */
export interface MultipartEvents {
  part(info: PartInfo): void;
  /** A view into the pushed chunk where possible; never empty. */
  data(chunk: Uint8Array): void;
  partEnd(): void;
  end(): void;
}

export interface MultipartLimits {
  readonly partsMax: number;
  readonly headersPerPartMax: number;
  /** Header bytes of one part, line ends included. */
  readonly headerBytesMax: number;
}

export const MULTIPART_LIMITS: MultipartLimits = {
  partsMax: 100,
  headersPerPartMax: 8,
  headerBytesMax: 4096,
};

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;
const LINE_END = Buffer.from("\r\n");
const HEADERS_END = Buffer.from("\r\n\r\n");
const NOTHING = Buffer.alloc(0);

/**
 * A strict push parser (RFC 7578, RFC 2046 section 5.1.1).
 *
 * Stricter than the RFCs on purpose, because other readers differ in exactly these places: no preamble or
 * epilogue (one CRLF after the end is fine), CRLF only, no blanks after a delimiter, and `--boundary` may
 * stand nowhere but in a whole delimiter line, not even in the middle of a line of data. Each byte is looked
 * at a bounded number of times, however the body is cut into chunks.
 */
export class MultipartParser {
  readonly #needle: Buffer;
  readonly #line: Buffer;
  readonly #events: MultipartEvents;
  readonly #limits: MultipartLimits;
  #state: "data" | "headers" | "epilogue" | "closed" = "data";
  // The line end that would precede the first delimiter if there were anything before it.
  #held: Buffer = LINE_END;
  #isInPart = false;
  #parts = 0;
  #head: Buffer = NOTHING;
  #headBytes = 0;
  #tailBytes = 0;

  /** @throws MultipartError `content_type` for a boundary that RFC 2046 does not allow. */
  constructor(boundary: string, events: MultipartEvents, limits: Partial<MultipartLimits> = {}) {
    if (!isBoundary(boundary)) throw new MultipartError("content_type", "The boundary is not valid.");
    this.#needle = Buffer.from(`--${boundary}`);
    this.#line = Buffer.concat([LINE_END, this.#needle]);
    this.#events = events;
    this.#limits = { ...MULTIPART_LIMITS, ...limits };
  }

  /**
   * Takes the next bytes; the events they complete are called before it returns.
   * @throws MultipartError, after which the parser takes nothing more.
   */
  push(chunk: Uint8Array): void {
    this.#guarded(() => {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let at = 0;
      while (at < bytes.length) {
        if (this.#state === "data") at = this.#readData(bytes, at);
        else if (this.#state === "headers") at = this.#readHeaders(bytes, at);
        else at = this.#readEpilogue(bytes, at);
      }
    });
  }

  /** Says that no more bytes come. @throws MultipartError `incomplete` unless the final boundary was seen. */
  finish(): void {
    this.#guarded(() => {
      if (this.#state !== "epilogue") {
        throw new MultipartError("incomplete", "The body ends before its final boundary.");
      }
      if (this.#tailBytes === 1)
        throw new MultipartError("epilogue", "The body goes on after its final boundary.");
      this.#state = "closed";
      this.#events.end();
    });
  }

  #guarded(step: () => void): void {
    if (this.#state === "closed") throw new TypeError("The multipart parser has already ended.");
    try {
      step();
    } catch (error) {
      this.#state = "closed";
      throw error;
    }
  }

  // Bytes held back are joined with just enough new ones to settle them; the rest is read in place.
  #readData(bytes: Buffer, at: number): number {
    const { length } = bytes;
    if (this.#held.length === 0) {
      const next = this.#scan(bytes, at);
      if (this.#state !== "data") return next;
      // What was handed on whole is not looked at again: it may have been sent, and be empty.
      this.#held = next === length ? NOTHING : Buffer.from(bytes.subarray(next));
      return length;
    }
    const held = this.#held;
    const joint = Buffer.concat([held, bytes.subarray(at, at + this.#needle.length + 4)]);
    const next = this.#scan(joint, 0);
    if (next < held.length) {
      this.#held = joint.subarray(next);
      return bytes.length;
    }
    this.#held = NOTHING;
    return at + next - held.length;
  }

  // Emits data up to the next delimiter, or up to what may be the start of one; returns where it stopped.
  #scan(bytes: Buffer, from: number): number {
    const found = bytes.indexOf(this.#needle, from);
    if (found < 0) {
      const stop = this.#partialAt(bytes, from);
      this.#emit(bytes, from, stop);
      return stop;
    }
    const lineEnd = found - LINE_END.length;
    if (lineEnd < from || bytes[lineEnd] !== CR || bytes[lineEnd + 1] !== LF) {
      if (!this.#isInPart) throw preamble();
      throw new MultipartError(
        "delimiter",
        "The boundary appears inside a line of data; use a longer random one.",
      );
    }
    this.#emit(bytes, from, lineEnd);
    const after = found + this.#needle.length;
    if (after + 2 > bytes.length) return lineEnd;
    this.#delimiter(bytes[after], bytes[after + 1]);
    return after + 2;
  }

  #delimiter(first: number | undefined, second: number | undefined): void {
    const isFinal = first === DASH && second === DASH;
    if (!isFinal && !(first === CR && second === LF)) {
      throw new MultipartError(
        "delimiter",
        'A boundary line must end with CRLF, or with "--" at the end of the body.',
      );
    }
    if (this.#isInPart) this.#events.partEnd();
    this.#isInPart = false;
    this.#held = NOTHING;
    this.#headBytes = 0;
    this.#state = isFinal ? "epilogue" : "headers";
    if (!isFinal && ++this.#parts > this.#limits.partsMax) {
      throw new MultipartError("limit", `The body has more than ${this.#limits.partsMax} parts.`);
    }
  }

  // Where the chunk's end may be the start of `CRLF--boundary`, or of `--boundary` inside a line.
  #partialAt(bytes: Buffer, from: number): number {
    for (let start = Math.max(from, bytes.length - this.#line.length + 1); start < bytes.length; start++) {
      const byte = bytes[start];
      if (byte !== CR && byte !== DASH) continue;
      const pattern = byte === CR ? this.#line : this.#needle;
      const length = bytes.length - start;
      if (length <= pattern.length && bytes.compare(pattern, 0, length, start) === 0) return start;
    }
    return bytes.length;
  }

  #emit(bytes: Buffer, from: number, to: number): void {
    if (from >= to) return;
    if (!this.#isInPart) throw preamble();
    this.#events.data(bytes.subarray(from, to));
  }

  #readHeaders(bytes: Buffer, at: number): number {
    const room = this.#limits.headerBytesMax + HEADERS_END.length;
    if (this.#head.length !== room) this.#head = Buffer.alloc(room);
    const before = this.#headBytes;
    const taken = Math.min(bytes.length - at, room - before);
    bytes.copy(this.#head, before, at, at + taken);
    this.#headBytes += taken;
    const seen = this.#head.subarray(0, this.#headBytes);
    const end = seen.indexOf(HEADERS_END, Math.max(0, before - HEADERS_END.length + 1));
    if (end < 0) {
      if (this.#headBytes < room) return at + taken;
      throw new MultipartError(
        "limit",
        `A part has more than ${this.#limits.headerBytesMax} bytes of headers.`,
      );
    }
    this.#state = "data";
    const info = parsePartHeaders(seen.subarray(0, end), this.#limits.headersPerPartMax);
    this.#isInPart = true;
    this.#events.part(info);
    return at + end + HEADERS_END.length - before;
  }

  #readEpilogue(bytes: Buffer, at: number): number {
    if (bytes[at] !== LINE_END[this.#tailBytes]) {
      throw new MultipartError("epilogue", "The body goes on after its final boundary.");
    }
    this.#tailBytes++;
    return at + 1;
  }
}

const preamble = (): MultipartError =>
  new MultipartError("preamble", "The body must start with its boundary, written as the Content-Type says.");
