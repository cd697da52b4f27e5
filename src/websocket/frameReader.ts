// Reads what a WebSocket client sends, strictly (RFC 6455 section 5): masked frames, no extensions, text only, everything
// bounded. Answers nothing.
import { CONTROL_BYTES_MAX, OPCODE } from "./frame.ts";

/** What a client said. `fault`: it broke the protocol, and this is the code to close with (section 7.4.1). */
export type Incoming =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "ping"; readonly payload: Uint8Array }
  | { readonly kind: "pong" }
  | { readonly kind: "close"; readonly code: number | undefined }
  | { readonly kind: "fault"; readonly code: 1002 | 1003 | 1007 | 1009 };

/** Frames one message may come in; more are a way to make work out of nothing. */
const FRAGMENTS_MAX = 64;
const MASK_BYTES = 4;
/** Pieces that wait to be a frame: each costs more than the byte it may hold. */
const CHUNKS_MAX = 64;

interface Head {
  readonly isFinal: boolean;
  readonly opcode: number;
  /** Of the head with its mask. */
  readonly bytes: number;
  readonly length: number;
}

const fault = (code: 1002 | 1003 | 1007 | 1009): Incoming => ({ kind: "fault", code });
const PROTOCOL = fault(1002);
const PONG: Incoming = { kind: "pong" };

/** Holds at most one message and one control frame. After a fault or a close it is not to be asked again. */
export class FrameReader {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes without which there is no use in looking again. */
  #wanted = 2;
  #fragments: Buffer[] = [];
  #fragmentBytes = 0;

  /** @param bytesMax - Longest message. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether a frame or a message has begun and not ended. */
  get isAmid(): boolean {
    return this.#bytes > 0 || this.#fragments.length > 0;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#chunks.length > CHUNKS_MAX) this.#joined();
  }

  /** What came next; undefined until more bytes arrive. */
  next(): Incoming | undefined {
    while (this.#bytes >= this.#wanted) {
      const input = this.#joined();
      const head = readHead(input);
      if (head === undefined) {
        this.#wanted = this.#bytes + 1;
        return undefined;
      }
      if ("kind" in head) return head;
      const wrong = this.#judge(head);
      if (wrong !== undefined) return wrong;
      const end = head.bytes + head.length;
      if (input.length < end) {
        this.#wanted = end;
        return undefined;
      }
      this.#keep(input, end);
      const incoming = this.#take(head, unmasked(input, head.bytes, end));
      if (incoming !== undefined) return incoming;
    }
    return undefined;
  }

  /** To be called when nothing more can be read for now: the rest of a large read would keep all of it. */
  settle(): void {
    const [first] = this.#chunks;
    if (first !== undefined && first.buffer.byteLength > 2 * first.length) this.#chunks[0] = copyOf(first);
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && this.#chunks.length === 1) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  #keep(input: Buffer, from: number): void {
    this.#chunks = from < input.length ? [input.subarray(from)] : [];
    this.#bytes = input.length - from;
    this.#wanted = 2;
  }

  // Before its payload is waited for.
  #judge({ opcode, length, isFinal }: Head): Incoming | undefined {
    if (opcode >= OPCODE.close) return isFinal && length <= CONTROL_BYTES_MAX ? undefined : PROTOCOL;
    const isContinued = opcode === OPCODE.continuation;
    if (isContinued !== this.#fragments.length > 0) return PROTOCOL;
    if (opcode === OPCODE.binary) return fault(1003);
    return this.#fragmentBytes + length > this.#bytesMax || this.#fragments.length >= FRAGMENTS_MAX
      ? fault(1009)
      : undefined;
  }

  #take({ opcode, isFinal }: Head, payload: Buffer): Incoming | undefined {
    if (opcode === OPCODE.ping) return { kind: "ping", payload };
    if (opcode === OPCODE.pong) return PONG;
    if (opcode === OPCODE.close) return readClose(payload);
    if (isFinal && this.#fragments.length === 0) return readText(payload);
    this.#fragments.push(copyOf(payload));
    this.#fragmentBytes += payload.length;
    if (!isFinal) return undefined;
    const whole = Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#fragmentBytes = 0;
    return readText(whole);
  }
}

const copyOf = (bytes: Buffer): Buffer => {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
};

const RESERVED_BITS = 0x70;
const FINAL = 0x80;
const MASKED = 0x80;
const SHORT_LENGTH = 0x7f;

/** Undefined while it is incomplete. */
const readHead = (input: Buffer): Head | Incoming | undefined => {
  const [first = 0, second = 0] = input;
  const opcode = first & 0x0f;
  const isKnown = opcode <= OPCODE.binary || (opcode >= OPCODE.close && opcode <= OPCODE.pong);
  if ((first & RESERVED_BITS) !== 0 || !isKnown || (second & MASKED) === 0) return PROTOCOL;
  const short = second & SHORT_LENGTH;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const bytes = 2 + lengthBytes + MASK_BYTES;
  if (input.length < bytes) return undefined;
  const length = lengthBytes === 0 ? short : readLength(input, lengthBytes);
  return length === undefined ? PROTOCOL : { isFinal: (first & FINAL) !== 0, opcode, bytes, length };
};

// The shortest form is the only one (section 5.2).
const readLength = (input: Buffer, lengthBytes: number): number | undefined => {
  if (lengthBytes === 2) {
    const length = input.readUInt16BE(2);
    return length < 126 ? undefined : length;
  }
  const high = input.readUInt32BE(2);
  const length = high * 2 ** 32 + input.readUInt32BE(6);
  return high >= 2 ** 31 || length < 65_536 ? undefined : length;
};

/** Takes the mask off in place. */
const unmasked = (input: Buffer, from: number, end: number): Buffer => {
  const mask = from - MASK_BYTES;
  for (let at = from; at < end; at++) {
    input[at] = (input[at] ?? 0) ^ (input[mask + ((at - from) & 3)] ?? 0);
  }
  return input.subarray(from, end);
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const readText = (bytes: Uint8Array): Incoming => {
  try {
    return { kind: "text", text: utf8.decode(bytes) };
  } catch {
    return fault(1007); // not UTF-8
  }
};

/** Codes a client may close with (section 7.4). */
const isCloseCode = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
  (code >= 3000 && code <= 4999);

const readClose = (payload: Buffer): Incoming => {
  if (payload.length === 0) return { kind: "close", code: undefined };
  const code = payload.length === 1 ? 0 : payload.readUInt16BE(0);
  if (!isCloseCode(code)) return PROTOCOL;
  const reason = readText(payload.subarray(2));
  return reason.kind === "fault" ? reason : { kind: "close", code };
};
