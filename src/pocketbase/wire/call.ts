// One request and its answer over one connection: writes the request, reads the answer, minds the
// deadlines. The answer is handed over when its head is known; the body follows as a BodySource.
import type { Answer, BodySink, BodySource } from "../../http/answer.ts";
import { type BodyDecoder, createBodyDecoder } from "../../http/bodyDecoder.ts";
import { HEAD_BYTES_MAX, parseResponseHead, type ResponseHead } from "../../http/responseHead.ts";
import { headerValue } from "../../utils/headers.ts";
import type { Connection, ConnectionUser } from "./connection.ts";
import { renderRequest, StreamWriter, type UpstreamRequest } from "./requestWriter.ts";
import { UpstreamError, type UpstreamFailure } from "./upstreamError.ts";

/** Deadlines in ms; `Infinity` switches one off. */
export interface Deadlines {
  /** From the last byte of the request to the first byte of the answer. */
  readonly firstByteMs: number;
  /** Between two pieces of progress, in either direction. */
  readonly idleMs: number;
  /** From start to end. */
  readonly totalMs: number;
}

/** Who is told what becomes of a call. */
export interface CallOwner {
  readonly deadlines: Deadlines;
  /** The head is known. The body is at hand, or follows from the call itself. */
  onAnswer(answer: Answer): void;
  /** No answer will come. */
  onFailure(error: UpstreamError): void;
  /**
   * The connection is no longer needed; called exactly once.
   * @param isReusable - It can serve another call.
   * @param isAnswered - `onAnswer` was called, or is the next thing to be called.
   */
  onEnd(call: Call, isReusable: boolean, isAnswered: boolean): void;
}

// Bytes held for a reader that has not started yet; past this the socket is paused.
const HELD_BYTES_MAX = 262_144;
/** Interim answers before the final one; more is a flood. */
const INTERIMS_MAX = 16;
const HEAD_END = "\r\n\r\n";

export class Call implements ConnectionUser, BodySource {
  readonly connection: Connection;
  readonly #request: UpstreamRequest;
  readonly #owner: CallOwner;
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

  constructor(connection: Connection, request: UpstreamRequest, owner: CallOwner) {
    this.connection = connection;
    this.#request = request;
    this.#owner = owner;
    this.#totalDeadlineMs = performance.now() + owner.deadlines.totalMs;
    connection.user = this;
  }

  /** The moment this call gives up unless something moves. */
  get deadlineMs(): number {
    return Math.min(this.#deadlineMs, this.#totalDeadlineMs);
  }

  get hasEnded(): boolean {
    return this.#isEnded;
  }

  send(): void {
    const { body } = this.#request;
    this.connection.write(renderRequest(this.#request));
    if (body.kind !== "stream") return this.#touch(this.#owner.deadlines.firstByteMs);
    this.#touch(this.#owner.deadlines.idleMs);
    this.#writer = new StreamWriter(this.connection, this.#request.bodyBytesMax, {
      progress: () => this.#touch(this.#owner.deadlines.idleMs),
      done: () => this.#touch(this.#owner.deadlines.firstByteMs),
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
    let input = this.#headBytes === undefined ? chunk : Buffer.concat([this.#headBytes, chunk]);
    for (let end = input.indexOf(HEAD_END); end >= 0; end = input.indexOf(HEAD_END)) {
      const text = end > HEAD_BYTES_MAX ? undefined : input.toString("latin1", 0, end);
      const head = text === undefined ? undefined : parseResponseHead(text, this.#request.method);
      if (head === undefined || head.status === 101) return this.#fail("invalid");
      input = input.subarray(end + HEAD_END.length);
      if (head.status >= 200) {
        this.#headBytes = undefined;
        this.#keepsAlive = head.keepsAlive;
        return this.#answer(head, input);
      }
      // Interim answers (100, 103) are hop-local here: the client gets its own.
      if (++this.#interims > INTERIMS_MAX) return this.#fail("invalid");
    }
    this.#headBytes = input;
    if (input.length > HEAD_BYTES_MAX) this.#fail("invalid");
  }

  // A body that came whole with its head needs no streaming: the listener writes it in one go.
  #answer({ status, headers, framing }: ResponseHead, rest: Buffer): void {
    const owner = this.#owner;
    if (framing.kind === "none" || (framing.kind === "length" && framing.length === rest.length)) {
      // Without a length, the head of a HEAD answer may come long before the upstream is done with the request
      // (PocketBase on HEAD /api/realtime: minutes), and whoever came next on this connection would wait.
      const isOver = framing.kind === "length" || this.#request.method !== "HEAD" || hasLength(headers);
      this.#complete(isOver && rest.length === (framing.kind === "length" ? framing.length : 0));
      owner.onAnswer({ status, headers, body: framing.kind === "none" ? null : rest });
      return;
    }
    this.#phase = "body";
    this.#decoder = createBodyDecoder(framing);
    this.#readBody(rest);
    if (this.#isFailed()) return;
    this.#isAnswered = true;
    if (this.#isDone()) owner.onAnswer({ status, headers, body: Buffer.concat(this.#held) });
    else owner.onAnswer({ status, headers, body: this });
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
    else this.#owner.onFailure(error);
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

const hasLength = (headers: readonly string[]): boolean =>
  headerValue(headers, "content-length") !== undefined;
