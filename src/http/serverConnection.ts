// One client connection: reads requests one after the other, writes their answers in order.
// Holds at most one request at a time; what a client sends ahead waits, within a bound.

import { momentMs } from "../utils/moment.ts";
import { type Answer, isStreamed, type Upgrade } from "./answer.ts";
import type { AnswerPlace } from "./answerHead.ts";
import { type AnswerWatcher, AnswerWriter, writeWhole } from "./answerWriter.ts";
import type { ClientSocket, Connection, ConnectionOptions, Refuse } from "./connectionOptions.ts";
import { type HeadRead, HeadReader } from "./headReader.ts";
import { Inbox } from "./inbox.ts";
import { Lingering } from "./lingering.ts";
import { Outbox } from "./outbox.ts";
import type { RequestHead } from "./requestHead.ts";
import { RequestSource } from "./requestSource.ts";
import type { Presence, WireRequest } from "./wireRequest.ts";

const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");

interface Current {
  readonly request: WireRequest;
  writer: AnswerWriter | undefined;
}

export class ServerConnection implements Connection, AnswerWatcher {
  readonly #socket: ClientSocket;
  readonly #options: ConnectionOptions;
  readonly #outbox: Outbox;
  readonly #peer: string;
  readonly #heads = new HeadReader();
  readonly #inbox: Inbox;
  #current: Current | undefined;
  #phase: "open" | "closed" = "open";
  #closesAfter = false;
  #isSettling = false;
  #deadlineMs: number;
  /** Since the deadline of what waits was set. */
  #takenBytes = 0;

  constructor(socket: ClientSocket, options: ConnectionOptions, nowMs: number) {
    this.#socket = socket;
    this.#options = options;
    this.#inbox = new Inbox(socket);
    this.#outbox = new Outbox(socket);
    this.#peer = socket.remoteAddress;
    this.#deadlineMs = nowMs + options.timeouts.idleMs;
  }

  get isIdle(): boolean {
    return this.#isFree && this.#inbox.isEmpty;
  }

  // No request under way, and nothing of an answer left to write.
  get #isFree(): boolean {
    return this.#current === undefined && this.#outbox.pendingBytes === 0;
  }

  onData(chunk: Buffer): void {
    if (this.#phase !== "open") return;
    const source = this.#current?.request.source;
    if (source !== undefined && !source.isComplete) {
      const rest = source.push(chunk);
      if (rest !== undefined) this.#inbox.add(rest);
    } else if (!this.#isFree) {
      // A client that asks on without taking its answers must not pile them up here.
      this.#inbox.add(chunk);
    } else {
      this.#read(this.#inbox.with(chunk));
    }
  }

  onDrain(): void {
    const before = this.#outbox.pendingBytes;
    if (before === 0) return;
    if (!this.#outbox.flush()) {
      // A slow client that takes bytes is not a stalled one, as long as it takes enough of them.
      this.#takenBytes += before - this.#outbox.pendingBytes;
      if (this.#takenBytes >= this.#options.takenBytesMin) this.onStall();
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
    presence.whenOver?.();
  }

  /** Acts on a deadline that has passed; called on a coarse clock. */
  sweep(nowMs: number): void {
    if (this.isIdle) this.#heads.forget();
    if (nowMs < this.#deadlineMs) return;
    // The kernel tells of room only when a third of its own is free, megabytes that slow clients take minutes for.
    this.onDrain();
    if (nowMs < this.#deadlineMs) return;
    if (this.isIdle) return this.#close();
    const isMidHead = this.#phase === "open" && this.#isFree;
    if (isMidHead) this.#refuse("too_slow");
    else this.destroy();
  }

  /** No further request is taken; the one under way keeps its time. */
  closeWhenDone(): void {
    this.#closesAfter = true;
    if (this.isIdle) this.#close();
    else this.#current?.writer?.endStream();
  }

  destroy(): void {
    this.#socket.terminate();
    this.onClose();
  }

  // Nobody waits for anything, but the end of the last answer may still be on its way to a slow client.
  #close(): void {
    this.#socket.close();
    this.onClose();
  }

  // Returns whether a request was taken on or refused; false while its head is incomplete.
  #read(input: Buffer): boolean {
    const reading = this.#heads.read(input);
    if (reading.kind === "incomplete") {
      if (this.#inbox.isEmpty) this.#deadlineMs = momentMs() + this.#options.timeouts.headMs;
      this.#inbox.put(input);
      return false;
    }
    this.#inbox.clear();
    if (reading.kind === "head") this.#serve(reading);
    else this.#refuse(reading.reason);
    return true;
  }

  #serve({ head, rest, isRepeat }: HeadRead): void {
    const hasBody = head.framing.kind !== "none";
    const source = hasBody ? new RequestSource(head.framing, this.#flow(head)) : undefined;
    const presence: Presence = { isGone: false, whenGone: undefined, whenOver: undefined };
    const request: WireRequest = { head, isRepeat, peer: this.#peer, source, presence };
    const current: Current = { request, writer: undefined };
    this.#current = current;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    if (!head.keepsAlive) this.#closesAfter = true;
    const ahead = rest === undefined || source === undefined ? rest : source.push(rest);
    if (ahead !== undefined) this.#inbox.add(ahead);
    try {
      const answer = this.#options.handle(request);
      if (answer instanceof Promise) {
        answer.then(
          (later) => this.#answerLater(current, later),
          (error) => this.#crash(error),
        );
      } else this.#answer(current, answer);
    } catch (error) {
      this.#crash(error);
    }
  }

  #answerLater(current: Current, answer: Answer): void {
    try {
      this.#answer(current, answer);
    } catch (error) {
      this.#crash(error);
    }
  }

  // A bug while answering: nobody can tell how much of the answer is out, so the connection ends with it.
  #crash(error: unknown): void {
    this.destroy();
    // The handler promised to deal with its own errors, so this one was logged nowhere.
    process.stderr.write(`a connection failed unexpectedly: ${String(error)}\n`);
  }

  #flow(head: RequestHead): { wanted: () => void; pause: () => void; resume: () => void } {
    return {
      wanted: () => {
        if (head.expectsContinue && this.#phase === "open") this.#outbox.write(CONTINUE);
      },
      pause: () => this.#inbox.pause(),
      resume: () => this.#inbox.resume(),
    };
  }

  #answer(current: Current, answer: Answer): void {
    if (this.#current !== current) {
      if (answer.body !== null && "cancel" in answer.body) answer.body.cancel();
      return;
    }
    const { head, source } = current.request;
    if (answer.upgrade !== undefined) return this.#handOver(current, answer, answer.upgrade);
    // A body nobody will read must not stand in front of the next request.
    if (source !== undefined && !source.isComplete) this.#closesAfter = true;
    this.#write(answer, { isHead: head.method === "HEAD", minor: head.minor, closes: this.#closesAfter });
  }

  // What was sent ahead is no part of the new protocol: its client has to wait for this answer (RFC 6455 section 4.1).
  #handOver({ request: { presence } }: Current, answer: Answer, upgrade: Upgrade): void {
    if (!this.#inbox.isEmpty) return this.destroy();
    this.#current = undefined;
    this.#phase = "closed";
    writeWhole(this.#outbox, answer, { isHead: false, minor: 1, closes: false });
    this.#socket.data.connection = upgrade({ socket: this.#socket, outbox: this.#outbox, presence });
    this.#inbox.resume();
  }

  #write(answer: Answer, place: AnswerPlace): void {
    const { body } = answer;
    if (isStreamed(body)) {
      const writer = new AnswerWriter(this.#outbox, place, this);
      if (this.#current !== undefined) this.#current.writer = writer;
      writer.write(answer, body);
    } else {
      if (!writeWhole(this.#outbox, answer, place)) this.onStall();
      this.onEnd(true);
    }
  }

  onStall(): void {
    this.#takenBytes = 0;
    this.#deadlineMs = momentMs() + this.#options.timeouts.stallMs;
  }

  onEnd(isWhole: boolean): void {
    if (this.#phase !== "open") return;
    if (!isWhole) return this.destroy();
    const source = this.#current?.request.source;
    if (source !== undefined && !source.isComplete) {
      source.cancel();
      this.#closesAfter = true;
    }
    const over = this.#current?.request.presence.whenOver;
    this.#current = undefined;
    over?.();
    if (this.#isFree) this.#settle();
    else this.onStall();
  }

  // The answer is out: close, or go on with what the client sent ahead. A loop, because answers that are at
  // hand at once would otherwise nest as deep as a client cares to pipeline.
  #settle(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    while (this.#phase === "open" && this.#isFree) {
      if (this.#closesAfter) this.#linger();
      else if (!this.#goOn()) break;
    }
    this.#isSettling = false;
  }

  #goOn(): boolean {
    const input = this.#inbox.take();
    this.#deadlineMs = momentMs() + this.#options.timeouts.idleMs;
    this.#inbox.resume();
    return input !== undefined && this.#read(input);
  }

  #linger(): void {
    this.#phase = "closed";
    this.#inbox.resume();
    const untilMs = momentMs() + this.#options.timeouts.lingerMs;
    this.#socket.data.connection = new Lingering(this.#socket, untilMs);
  }

  #refuse(reason: Parameters<Refuse>[0]): void {
    this.#closesAfter = true;
    this.#inbox.clear();
    this.#write(this.#options.refuse(reason), { isHead: false, minor: 1, closes: true });
  }
}
