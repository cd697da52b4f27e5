// Finds the end of a message body and hands out its content bytes, without copying. Serves both sides.

/** How the end of a body is known (RFC 9112 section 6.3). */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  /** Ends with the connection; answers only. */
  | { readonly kind: "close" };

/** What one piece of input held. */
export interface Decoded {
  /** Content bytes, in order; views into the input. */
  readonly pieces: readonly Uint8Array[];
  readonly state: "more" | "done" | "invalid";
  /** Input after the end of the body; undefined when there is none. */
  readonly rest: Uint8Array | undefined;
}

export interface BodyDecoder {
  push(input: Uint8Array): Decoded;
  /** Whether a connection closed now ends the body properly. */
  readonly endsAtClose: boolean;
}

const NOTHING: readonly Uint8Array[] = [];

export const createBodyDecoder = (framing: Framing): BodyDecoder => {
  switch (framing.kind) {
    case "none":
      return lengthDecoder(0);
    case "length":
      return lengthDecoder(framing.length);
    case "close":
      return { endsAtClose: true, push: (input) => ({ pieces: [input], state: "more", rest: undefined }) };
    case "chunked":
      return new ChunkedDecoder();
  }
};

const lengthDecoder = (length: number): BodyDecoder => {
  let left = length;
  return {
    endsAtClose: false,
    push: (input) => {
      if (input.length < left) {
        left -= input.length;
        return { pieces: [input], state: "more", rest: undefined };
      }
      const rest = input.length > left ? input.subarray(left) : undefined;
      const pieces = left === 0 ? NOTHING : [rest === undefined ? input : input.subarray(0, left)];
      left = 0;
      return { pieces, state: "done", rest };
    },
  };
};

const CR = 13;
const LF = 10;
/** Bound on a chunk-size line with its extensions, and on the whole trailer section. */
const LINE_BYTES_MAX = 4096;

// Extensions without the blanks that RFC 9112 tolerates around `;` and `=`: common parsers do not take them.
const SIZE_LINE =
  /^([0-9A-Fa-f]{1,13})(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]*"))?)*\r$/;
const TRAILER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r$/;

// RFC 9112 section 7.1. Extensions and trailers are checked, read over and dropped, as the RFC allows a
// proxy to: a "trailer" that is none may be a request to a parser that saw the end of the body elsewhere.
class ChunkedDecoder implements BodyDecoder {
  readonly endsAtClose = false;
  #phase: "size" | "data" | "data-end" | "trailer" | "done" | "invalid" = "size";
  #left = 0;
  #line = "";
  #trailerBytes = 0;

  push(input: Uint8Array): Decoded {
    const pieces: Uint8Array[] = [];
    let at = 0;
    while (at < input.length && !this.#isOver()) {
      at = this.#phase === "data" ? this.#takeData(input, at, pieces) : this.#readLine(input, at);
    }
    if (!this.#isOver()) return { pieces, state: "more", rest: undefined };
    const isDone = this.#phase === "done";
    const rest = isDone && at < input.length ? input.subarray(at) : undefined;
    return { pieces, state: isDone ? "done" : "invalid", rest };
  }

  #isOver(): boolean {
    return this.#phase === "done" || this.#phase === "invalid";
  }

  #takeData(input: Uint8Array, from: number, pieces: Uint8Array[]): number {
    const piece = input.subarray(from, from + this.#left);
    pieces.push(piece);
    this.#left -= piece.length;
    if (this.#left === 0) this.#phase = "data-end";
    return from + piece.length;
  }

  // Collects one line across inputs; acts on it when its LF has come.
  #readLine(input: Uint8Array, from: number): number {
    if (this.#phase === "data-end" && this.#line === "" && input[from] === CR && input[from + 1] === LF) {
      this.#phase = "size";
      return from + 2;
    }
    const end = input.indexOf(LF, from);
    const part = input.subarray(from, end < 0 ? input.length : end);
    this.#line += Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString("latin1");
    if (this.#line.length > LINE_BYTES_MAX) this.#phase = "invalid";
    if (end < 0) return input.length;
    const line = this.#line;
    this.#line = "";
    if (this.#phase !== "invalid") this.#endLine(line);
    return end + 1;
  }

  #endLine(line: string): void {
    if (line.charCodeAt(line.length - 1) !== CR) this.#phase = "invalid";
    else if (this.#phase === "data-end") this.#phase = line.length === 1 ? "size" : "invalid";
    else if (this.#phase === "trailer") this.#endTrailer(line);
    else this.#beginChunk(line);
  }

  #beginChunk(line: string): void {
    const size = SIZE_LINE.exec(line);
    if (size === null) {
      this.#phase = "invalid";
      return;
    }
    this.#left = Number.parseInt(size[1] ?? "", 16);
    this.#phase = this.#left === 0 ? "trailer" : "data";
  }

  #endTrailer(line: string): void {
    this.#trailerBytes += line.length;
    if (line.length === 1) this.#phase = "done";
    else if (this.#trailerBytes > LINE_BYTES_MAX || !TRAILER_LINE.test(line)) this.#phase = "invalid";
  }
}
