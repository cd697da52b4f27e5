// One request and its answer over one connection: writes the request, reads the answer, minds the
// deadlines. The answer is handed over when its head is known; the body follows as a BodySource.
import type { Answer, BodySink, BodySource } from "../../http/answer.ts";
import { type BodyDecoder, createBodyDecoder } from "../../http/bodyDecoder.ts";
import { HEAD_BYTES_MAX, parseResponseHead, type ResponseHead } from "../../http/responseHead.ts";
import type { BagItem } from "../../utils/bag.ts";
import { headerValue } from "../../utils/headers.ts";
import type { Connection, ConnectionUser } from "./connection.ts";
import { StreamWriter, sendHead, type UpstreamRequest } from "./requestWriter.ts";
import { UploadPace } from "./uploadPace.ts";
import { UpstreamError, type UpstreamFailure } from "./upstreamError.ts";

/** Deadlines in ms; `Infinity` switches one off. */
export interface Deadlines {
  /** From the last byte of the request to the first byte of the answer. */
  readonly firstByteMs: number;
  /** Between two pieces of progress, in either direction. */
  readonly idleMs: number;
  /** From start to end. */
  readonly totalMs: number;
  /** Slowest a client may send its body on average; 0 for no bound. */
  readonly uploadBytesPerSecondMin: number;
}

/** What a call is made for. */
export interface Errand {
  readonly request: UpstreamRequest;
}

/** Who is told what becomes of the calls made for its errands. */
export interface CallOwner<E extends Errand> {
  readonly deadlines: Deadlines;
  /** The head is known. The body is at hand, or follows from the call itself. */
  onAnswer(errand: E, answer: Answer): void;
  /** No answer will come. */
  onFailure(errand: E, error: UpstreamError): void;
  /**
   * The connection is no longer needed; called exactly once.
   * @param isReusable - It can serve another call.
   * @param isAnswered - `onAnswer` was called, or is the next thing to be called.
   */
  onEnd(call: Call<E>, isReusable: boolean, isAnswered: boolean): void;
}

// Bytes held for a reader that has not started yet; past this the socket is paused.
const HELD_BYTES_MAX = 262_144;
/** Interim answers before the final one; more is a flood. */
const INTERIMS_MAX = 16;
const HEAD_END = "\r\n\r\n";
/** Where the end of a head is looked for first. */
const NEAR_BYTES = 1024;

export class Call<E extends Errand> implements ConnectionUser, BodySource, BagItem {
  bagPlace = -1;
  readonly connection: Connection;
  readonly errand: E;
  readonly #owner: CallOwner<E>;
  readonly #totalDeadlineMs: number;
  #deadlineMs = 0;
  #writer: StreamWriter | undefined;
  #headBytes: Buffer | undefined;
  #interims = 0;
  #decoder: BodyDecoder | undefined;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #sink: BodySink | undefined;
  #phase: "head" | "body" | "done" | "failed" = "head";
  #keepsAlive = false;
  #isPaused = false;
  #isEnded = false;
  #isAnswered = false;

  constructor(connection: Connection, errand: E, owner: CallOwner<E>) {
    this.connection = connection;
    this.errand = errand;
    this.#owner = owner;
    this.#totalDeadlineMs = performance.now() + owner.deadlines.totalMs;
    connection.user = this;
  }

  /** The moment this call gives up unless something moves. */
  get deadlineMs(): number {
    const uploadDeadlineMs = this.#writer?.deadlineMs ?? Number.POSITIVE_INFINITY;
    // PocketBase is not the one to wait for while the reader takes nothing; who writes to the client minds that.
    const idleDeadlineMs = this.#isPaused ? Number.POSITIVE_INFINITY : this.#deadlineMs;
    return Math.min(idleDeadlineMs, this.#totalDeadlineMs, uploadDeadlineMs);
  }

  get hasEnded(): boolean {
    return this.#isEnded;
  }

  send(): void {
    const { request } = this.errand;
    const { body } = request;
    sendHead(this.connection, request);
    if (body.kind !== "stream") return this.#touch(this.#owner.deadlines.firstByteMs);
    this.#touch(this.#owner.deadlines.idleMs);
    const { idleMs, firstByteMs, uploadBytesPerSecondMin } = this.#owner.deadlines;
    this.#writer = new StreamWriter(this.connection, {
      bytesMax: request.bodyBytesMax,
      pace: new UploadPace(uploadBytesPerSecondMin, idleMs, performance.now()),
      progress: () => this.#touch(idleMs),
      done: () => this.#touch(firstByteMs),
      failed: (failure) => this.#fail(failure),
    });
    this.#writer.pipe(body.source, body.length === undefined);
  }

  /** Gives up because {@link deadlineMs} has passed. */
  expire(): void {
    this.#fail(this.#phase === "head" && this.#writer?.waitsForClient === true ? "client_slow" : "timeout");
  }

  onData(chunk: Buffer): void {
    this.#touch(this.#owner.deadlines.idleMs);
    if (this.#phase === "head") this.#readHead(chunk);
    else if (this.#phase === "body") this.#readBody(chunk);
  }

  onDrain(): void {
    this.#writer?.onDrain();
  }

  onClose(error: Error | undefined): void {
    const endsHere = this.#phase === "body" && this.#decoder?.endsAtClose === true;
    if (endsHere && error === undefined) return this.#complete(false);
    const isFirst = this.#phase === "head" && this.#headBytes === undefined;
    this.#fail(this.#phase === "head" ? "unreachable" : "invalid", {
      isStaleConnection: isFirst && this.connection.served > 0,
      cause: error,
    });
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    const held = this.#held;
    this.#held = [];
    // An ended call has no say over its connection any more: it may be serving another one.
    for (const piece of held) if (!sink.data(piece) && !this.#isEnded) this.#pause();
    if (this.#phase === "done") sink.end();
    else if (this.#phase === "failed") sink.fail(new UpstreamError("invalid"));
    else if (!this.#isPaused) this.connection.resume();
  }

  resume(): void {
    if (!this.#isPaused || this.#isEnded) return;
    this.#isPaused = false;
    this.#touch(this.#owner.deadlines.idleMs);
    this.connection.resume();
  }

  cancel(): void {
    if (this.#phase !== "done") this.#fail("client_gone");
  }

  #touch(waitMs: number): void {
    this.#deadlineMs = performance.now() + waitMs;
  }

  #readHead(chunk: Buffer): void {
    const input = this.#headBytes === undefined ? chunk : Buffer.concat([this.#headBytes, chunk]);
    let from = 0;
    for (let text = headAt(input, from); text !== undefined; text = headAt(input, from)) {
      const head = parseResponseHead(text, this.errand.request.method);
      if (head === undefined || head.status === 101) return this.#fail("invalid");
      from += text.length + HEAD_END.length;
      if (head.status >= 200) {
        this.#headBytes = undefined;
        this.#keepsAlive = head.keepsAlive;
        return this.#answer(head, input.subarray(from));
      }
      // Interim answers (100, 103) are hop-local here: the client gets its own.
      if (++this.#interims > INTERIMS_MAX) return this.#fail("invalid");
    }
    this.#headBytes = input.subarray(from);
    if (input.length - from > HEAD_BYTES_MAX) this.#fail("invalid");
  }

  // A body that came whole with its head needs no streaming: the listener writes it in one go.
  #answer({ status, headers, framing }: ResponseHead, rest: Buffer): void {
    const owner = this.#owner;
    const { errand } = this;
    if (framing.kind === "none" || (framing.kind === "length" && framing.length === rest.length)) {
      // Without a length, the head of a HEAD answer may come long before the upstream is done with the request
      // (PocketBase on HEAD /api/realtime: minutes), and whoever came next on this connection would wait.
      const isOver = framing.kind === "length" || this.errand.request.method !== "HEAD" || hasLength(headers);
      this.#complete(isOver && rest.length === (framing.kind === "length" ? framing.length : 0));
      owner.onAnswer(errand, { status, headers, body: framing.kind === "none" ? null : rest });
      return;
    }
    this.#phase = "body";
    this.#decoder = createBodyDecoder(framing);
    this.#readBody(rest);
    if (this.#isFailed()) return;
    this.#isAnswered = true;
    if (this.#isDone()) owner.onAnswer(errand, { status, headers, body: Buffer.concat(this.#held) });
    else owner.onAnswer(errand, { status, headers, body: this });
  }

  // Through methods, because the calls in between change what the type checker believes to be constant.
  #isFailed(): boolean {
    return this.#phase === "failed";
  }

  #isDone(): boolean {
    return this.#phase === "done";
  }

  #readBody(chunk: Uint8Array): void {
    const decoded = this.#decoder?.push(chunk);
    if (decoded === undefined) return;
    for (const piece of decoded.pieces) if (piece.length > 0) this.#emit(piece);
    if (decoded.state === "done") this.#complete(decoded.rest === undefined);
    else if (decoded.state === "invalid") this.#fail("invalid");
  }

  #emit(piece: Uint8Array): void {
    if (this.#sink !== undefined) {
      if (!this.#sink.data(piece)) this.#pause();
      return;
    }
    this.#held.push(piece);
    this.#heldBytes += piece.length;
    if (this.#heldBytes > HELD_BYTES_MAX) this.connection.pause();
  }

  #pause(): void {
    this.#isPaused = true;
    this.connection.pause();
  }

  #complete(isReusable: boolean): void {
    this.#phase = "done";
    const isSent = this.#writer === undefined || this.#writer.isDone;
    this.#end(isReusable && this.#keepsAlive && isSent, true);
    this.#sink?.end();
  }

  #fail(failure: UpstreamFailure, detail: { isStaleConnection?: boolean; cause?: unknown } = {}): void {
    if (this.#phase === "done" || this.#phase === "failed") return;
    this.#phase = "failed";
    this.#held = [];
    this.#end(false, this.#isAnswered);
    const error = new UpstreamError(failure, detail);
    if (this.#isAnswered) this.#sink?.fail(error);
    else this.#owner.onFailure(this.errand, error);
  }

  #end(isReusable: boolean, isAnswered: boolean): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#writer?.stop();
    if (isReusable) this.connection.resume();
    else this.connection.destroy();
    this.#owner.onEnd(this, isReusable, isAnswered);
  }
}

/** The head that begins at `from`, without its blank line; undefined when it is not whole yet, or too large. */
const headAt = (input: Buffer, from: number): string | undefined => {
  // Looking through text is cheaper than through bytes, but large bodies stay bytes.
  const near = input.toString("latin1", from, Math.min(input.length, from + NEAR_BYTES));
  const end = near.indexOf(HEAD_END);
  if (end >= 0) return near.slice(0, end);
  const far = input.indexOf(HEAD_END, from);
  return far < 0 || far - from > HEAD_BYTES_MAX ? undefined : input.toString("latin1", from, far);
};

const hasLength = (headers: readonly string[]): boolean =>
  headerValue(headers, "content-length") !== undefined;
