// One client connection: reads requests one after the other, writes their answers in order.
// Holds at most one request at a time; what a client sends ahead waits, within a bound.
import type { Answer } from "./answer.ts";
import { AnswerWriter } from "./answerWriter.ts";
import { Outbox, type WritableSocket } from "./outbox.ts";
import { HEAD_BYTES_MAX, parseRequestHead, type RequestHead } from "./requestHead.ts";
import { RequestSource } from "./requestSource.ts";

/** The part of a Bun socket a connection needs. */
export interface ClientSocket extends WritableSocket {
  readonly remoteAddress: string;
  pause(): void;
  resume(): void;
  /** Sends FIN; reading goes on. */
  shutdown(): void;
  terminate(): void;
}

/** Whether the client still waits, and whom to tell when it stops. */
export interface Presence {
  isGone: boolean;
  /** Set by whoever works for the client right now. */
  whenGone: (() => void) | undefined;
}

/** A request as it came off the wire. */
export interface WireRequest {
  readonly head: RequestHead;
  /** Socket peer as the system names it. */
  readonly peer: string;
  /** Undefined when the head announces no body. */
  readonly source: RequestSource | undefined;
  readonly presence: Presence;
}

/** Takes a request to its answer; must not throw or reject. */
export type Handle = (request: WireRequest) => Answer | Promise<Answer>;

/** The answer to what is not HTTP. */
export type Refuse = (reason: "malformed" | "too_large" | "too_slow") => Answer;

export interface ConnectionOptions {
  readonly handle: Handle;
  readonly refuse: Refuse;
  readonly timeouts: Timeouts;
}

/** In ms. */
export interface Timeouts {
  /** From the first byte of a head to its last. */
  readonly headMs: number;
  /** A connection without a request. */
  readonly idleMs: number;
  /** An answer the client does not take. */
  readonly stallMs: number;
  /** How long a closing connection goes on reading, so that its last answer is not lost to a reset. */
  readonly lingerMs: number;
}

/** Bytes kept of what a client sends ahead of its answer; then reading stops. */
const AHEAD_BYTES_MAX = 65_536;
const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");

interface Current {
  readonly request: WireRequest;
  writer: AnswerWriter | undefined;
}

export class ServerConnection {
  readonly #socket: ClientSocket;
  readonly #options: ConnectionOptions;
  readonly #outbox: Outbox;
  readonly #peer: string;
  #input: Buffer | undefined;
  #current: Current | undefined;
  #phase: "open" | "lingering" | "closed" = "open";
  #closesAfter = false;
  #isPaused = false;
  #deadlineMs: number;

  constructor(socket: ClientSocket, options: ConnectionOptions, nowMs: number) {
    this.#socket = socket;
    this.#options = options;
    this.#outbox = new Outbox(socket);
    this.#peer = socket.remoteAddress;
    this.#deadlineMs = nowMs + options.timeouts.idleMs;
  }

  get isIdle(): boolean {
    return this.#current === undefined && this.#input === undefined;
  }

  onData(chunk: Buffer): void {
    if (this.#phase !== "open") return;
    const source = this.#current?.request.source;
    if (source !== undefined && !source.isComplete) {
      const rest = source.push(chunk);
      if (rest !== undefined) this.#keepAhead(rest);
    } else if (this.#current !== undefined) {
      this.#keepAhead(chunk);
    } else {
      this.#readHead(this.#input === undefined ? chunk : Buffer.concat([this.#input, chunk]));
    }
  }

  onDrain(): void {
    const before = this.#outbox.pendingBytes;
    if (!this.#outbox.flush()) {
      // A slow client that takes bytes is not a stalled one.
      if (this.#outbox.pendingBytes < before)
        this.#deadlineMs = performance.now() + this.#options.timeouts.stallMs;
      return;
    }
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    if (this.#current?.writer !== undefined) this.#current.writer.onDrain();
    else this.#settle();
  }

  onClose(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#outbox.clear();
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    const { presence, source } = current.request;
    presence.isGone = true;
    source?.break();
    current.writer?.cancel();
    presence.whenGone?.();
  }

  /** Acts on a deadline that has passed; called on a coarse clock. */
  sweep(nowMs: number): void {
    if (nowMs < this.#deadlineMs) return;
    const isMidHead = this.#phase === "open" && this.#current === undefined && this.#input !== undefined;
    if (isMidHead) this.#refuse("too_slow");
    else this.destroy();
  }

  /** No further request is taken; the one under way keeps its time. */
  closeWhenDone(): void {
    this.#closesAfter = true;
    if (this.isIdle) this.destroy();
    else this.#current?.writer?.endStream();
  }

  destroy(): void {
    this.#socket.terminate();
    this.onClose();
  }

  #readHead(input: Buffer): void {
    // One empty line before a request is tolerated (RFC 9112 section 2.2).
    const from = input[0] === 13 && input[1] === 10 ? 2 : 0;
    const end = input.indexOf("\r\n\r\n", from);
    if (end < 0 || end - from > HEAD_BYTES_MAX) {
      if (input.length - from > HEAD_BYTES_MAX) return this.#refuse("too_large");
      if (this.#input === undefined) this.#deadlineMs = performance.now() + this.#options.timeouts.headMs;
      this.#input = input;
      return;
    }
    this.#input = undefined;
    const parsed = parseRequestHead(input.toString("latin1", from, end));
    if (!parsed.ok) return this.#refuse(parsed.reason);
    const rest = input.length > end + 4 ? input.subarray(end + 4) : undefined;
    this.#serve(parsed.head, rest);
  }

  #serve(head: RequestHead, rest: Buffer | undefined): void {
    const hasBody = head.framing.kind !== "none";
    const source = hasBody ? new RequestSource(head.framing, this.#flow(head)) : undefined;
    const presence: Presence = { isGone: false, whenGone: undefined };
    const request: WireRequest = { head, peer: this.#peer, source, presence };
    const current: Current = { request, writer: undefined };
    this.#current = current;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    if (!head.keepsAlive) this.#closesAfter = true;
    const ahead = rest === undefined || source === undefined ? rest : source.push(rest);
    if (ahead !== undefined) this.#keepAhead(ahead);
    const answer = this.#options.handle(request);
    if (answer instanceof Promise) void answer.then((later) => this.#answer(current, later));
    else this.#answer(current, answer);
  }

  #flow(head: RequestHead): { wanted: () => void; pause: () => void; resume: () => void } {
    return {
      wanted: () => {
        if (head.expectsContinue && this.#phase === "open") this.#outbox.write(CONTINUE);
      },
      pause: () => this.#pause(),
      resume: () => this.#unpause(),
    };
  }

  #answer(current: Current, answer: Answer): void {
    if (this.#current !== current) {
      if (answer.body !== null && "cancel" in answer.body) answer.body.cancel();
      return;
    }
    const { head, source } = current.request;
    // A body nobody will read must not stand in front of the next request.
    if (source !== undefined && !source.isComplete) this.#closesAfter = true;
    current.writer = new AnswerWriter(this.#outbox, {
      isHead: head.method === "HEAD",
      minor: head.minor,
      closes: this.#closesAfter,
      onStall: () => {
        this.#deadlineMs = performance.now() + this.#options.timeouts.stallMs;
      },
      onEnd: (isWhole) => this.#ended(isWhole),
    });
    current.writer.write(answer);
  }

  #ended(isWhole: boolean): void {
    if (this.#phase !== "open") return;
    if (!isWhole) return this.destroy();
    const source = this.#current?.request.source;
    if (source !== undefined && !source.isComplete) {
      source.cancel();
      this.#closesAfter = true;
    }
    this.#current = undefined;
    if (this.#outbox.pendingBytes === 0) this.#settle();
    else this.#deadlineMs = performance.now() + this.#options.timeouts.stallMs;
  }

  // The answer is out: close, or go on with what the client sent ahead.
  #settle(): void {
    if (this.#phase !== "open" || this.#current !== undefined) return;
    if (this.#closesAfter) return this.#linger();
    this.#deadlineMs = performance.now() + this.#options.timeouts.idleMs;
    this.#unpause();
    const input = this.#input;
    if (input === undefined) return;
    this.#input = undefined;
    this.#readHead(input);
  }

  #linger(): void {
    this.#phase = "lingering";
    this.#input = undefined;
    this.#deadlineMs = performance.now() + this.#options.timeouts.lingerMs;
    this.#unpause();
    this.#socket.shutdown();
  }

  #refuse(reason: Parameters<Refuse>[0]): void {
    this.#closesAfter = true;
    this.#input = undefined;
    const writer = new AnswerWriter(this.#outbox, {
      isHead: false,
      minor: 1,
      closes: true,
      onStall: () => undefined,
      onEnd: () => this.#settle(),
    });
    writer.write(this.#options.refuse(reason));
  }

  #keepAhead(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#input = this.#input === undefined ? chunk : Buffer.concat([this.#input, chunk]);
    if (this.#input.length > AHEAD_BYTES_MAX) this.#pause();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  #unpause(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }
}
