// A client connection after its upgrade: reads messages one after the other, writes frames, closes with a reason, and
// holds the deadlines of RFC 6455's control frames. Knows nothing of what is said.
import type { HandOver } from "../http/answer.ts";
import type { ClientSocket, Connection } from "../http/connectionOptions.ts";
import type { Outbox } from "../http/outbox.ts";
import type { Presence } from "../http/wireRequest.ts";
import { encodeClose, encodeFrame, OPCODE } from "./frame.ts";
import { FrameReader, type Incoming } from "./frameReader.ts";

/** Who talks with the client. */
export interface Talk {
  /** One message. The next one waits for the promise, which must not reject. */
  onText(text: string): Promise<void> | undefined;
  /** After a `send` that answered false: bytes are taken again. */
  onFlow(): void;
  /** Called once, however it ended. */
  onOver(): void;
}

/** Longest message of a client, in bytes. */
export const MESSAGE_BYTES_MAX = 65_536;
/** What may wait for a client beside events: answers it asks for and does not take. */
const REPLIES_BYTES_MAX = 65_536;
/** From the first byte of a message to its last. */
const MESSAGE_MS = 10_000;
const PONG_MS = 20_000;
/** A client that takes nothing. */
const STALL_MS = 60_000;
/** From our close frame to the end. */
const CLOSE_MS = 2_000;
const NEVER = Number.POSITIVE_INFINITY;
const PING = encodeFrame(OPCODE.ping);

export class WebSocketConnection implements Connection {
  readonly #socket: ClientSocket;
  readonly #outbox: Outbox;
  readonly #presence: Presence;
  readonly #talk: Talk;
  /** Only while something was read and is not finished. */
  #reader: FrameReader | undefined;
  /** `closing`: our close frame is out. `done`: nothing the client says matters any more. */
  #state: "open" | "closing" | "done" | "closed" = "open";
  #isBusy = false;
  /** Answers that wait, and those that left since something waits. */
  #repliesBytes = 0;
  /** Payload of the last ping, until it is answered. */
  #ping: Uint8Array | undefined;
  #messageMs = NEVER;
  #pongMs = NEVER;
  #writeMs = NEVER;

  /** @param talkWith - Makes who talks with the client; called once, before anything is read. */
  constructor({ socket, outbox, presence }: HandOver, talkWith: (connection: WebSocketConnection) => Talk) {
    this.#socket = socket;
    this.#outbox = outbox;
    this.#presence = presence;
    this.#talk = talkWith(this);
  }

  /** Sends a frame that others may be sent as well. @returns false when it waits: `onFlow` says when to go on. */
  send(frame: Uint8Array): boolean {
    if (this.#state !== "open" || this.#outbox.write(frame)) return true;
    this.#noteStall();
    return false;
  }

  /** Sends what the client asked for; ends one that asks and does not read. */
  reply(frame: Uint8Array): void {
    if (this.send(frame)) return;
    this.#repliesBytes += frame.length;
    if (this.#repliesBytes > REPLIES_BYTES_MAX) this.destroy();
  }

  /** Asks for a sign of life, and ends a client that gives none. */
  ping(): boolean {
    if (this.#pongMs === NEVER) this.#pongMs = performance.now() + PONG_MS;
    return this.send(PING);
  }

  /** Says why and ends, in two seconds at most. A second reason is not heard. */
  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.#outbox.write(encodeClose(code, reason));
    this.#state = "closing";
    this.#writeMs = performance.now() + CLOSE_MS;
    // Only its own close frame is of interest now, and that it reads.
    if (this.#isBusy) this.#socket.resume();
  }

  onData(chunk: Buffer): void {
    this.#pongMs = NEVER;
    if (this.#state === "closed" || this.#state === "done") return;
    this.#reader ??= new FrameReader(MESSAGE_BYTES_MAX);
    this.#reader.push(chunk);
    this.#read();
  }

  onDrain(): void {
    const before = this.#outbox.pendingBytes;
    if (before === 0) return;
    const isEmpty = this.#outbox.flush();
    if (this.#state === "done" && isEmpty) this.#socket.shutdown();
    if (this.#state !== "open") return;
    if (isEmpty) {
      this.#repliesBytes = 0;
      this.#writeMs = NEVER;
      this.#talk.onFlow();
    } else if (this.#outbox.pendingBytes < before) this.#noteStall();
  }

  onClose(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#outbox.clear();
    this.#reader = undefined;
    this.#presence.isGone = true;
    this.#talk.onOver();
    this.#presence.whenOver?.();
  }

  sweep(nowMs: number): void {
    if (nowMs >= this.#pongMs || nowMs >= this.#writeMs) this.destroy();
    else if (nowMs >= this.#messageMs) this.close(1008, "the message took too long");
  }

  closeWhenDone(): void {
    this.close(1012, "the server restarts");
  }

  destroy(): void {
    this.#socket.terminate();
    this.onClose();
  }

  #read(): void {
    while ((!this.#isBusy || this.#state === "closing") && this.#reader !== undefined) {
      const incoming = this.#reader.next();
      if (incoming === undefined) break;
      this.#hear(incoming);
    }
    this.#answerPing();
    if (this.#reader?.isAmid === false) this.#reader = undefined;
    this.#reader?.settle();
    if (this.#reader === undefined || this.#isBusy) this.#messageMs = NEVER;
    else if (this.#messageMs === NEVER) this.#messageMs = performance.now() + MESSAGE_MS;
  }

  #hear(incoming: Incoming): void {
    if (incoming.kind === "close") return this.#finish(incoming.code ?? 1000, "");
    if (incoming.kind === "fault") return this.#finish(incoming.code, FAULTS[incoming.code]);
    if (this.#state !== "open") return;
    if (incoming.kind === "ping") this.#ping = incoming.payload;
    else if (incoming.kind === "text") this.#tell(incoming.text);
  }

  // The last of those that came at once stands for all (RFC 6455 section 5.5.3).
  #answerPing(): void {
    const payload = this.#ping;
    this.#ping = undefined;
    if (payload !== undefined && this.#state === "open") this.reply(encodeFrame(OPCODE.pong, payload));
  }

  // While it is answered nothing more is read: a client cannot pile up work.
  #tell(text: string): void {
    const answered = this.#talk.onText(text);
    if (answered === undefined) return;
    this.#isBusy = true;
    this.#socket.pause();
    void answered.then(() => {
      this.#isBusy = false;
      if (this.#state === "closed") return;
      this.#socket.resume();
      this.#read();
    });
  }

  #finish(code: number, reason: string): void {
    this.close(code, reason);
    this.#state = "done";
    this.#reader = undefined;
    if (this.#outbox.pendingBytes === 0) this.#socket.shutdown();
  }

  #noteStall(): void {
    this.#writeMs = performance.now() + STALL_MS;
  }
}

const FAULTS = {
  1002: "protocol error",
  1003: "text messages only",
  1007: "not UTF-8",
  1009: "the message is too long",
} as const;
