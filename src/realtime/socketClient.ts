// A realtime client on a WebSocket: what its frames ask for, and how events reach it. Who it is and what it may is said
// by whoever made it.
import { ERRORS, type ErrorCode, Refusal } from "../errors.ts";
import { headerValue } from "../utils/headers.ts";
import type { Talk, WebSocketConnection } from "../websocket/webSocketConnection.ts";
import type { Message } from "./message.ts";
import type { Joined } from "./recovery.ts";
import {
  type ClientFrame,
  connectedFrame,
  errorFrame,
  PONG,
  readClientFrame,
  subscribedFrame,
} from "./socketFrames.ts";
import type { CloseReason, Outlet, Subscriber } from "./subscriber.ts";

/** Topics, and where a client left off on them. */
interface Added {
  readonly added: readonly string[];
  readonly since: ReadonlyMap<string, string>;
}

/** What a client may ask for; each throws a Refusal. */
export interface SocketCalls {
  /** Becomes the holder of a token, with the topics it has. @returns the topics in force */
  authenticate(client: Subscriber, token: string, proof: string | undefined): Promise<readonly string[]>;
  /** Changes its topics. @returns the topics in force */
  change(
    client: Subscriber,
    change: Added | { readonly removed: readonly string[] },
  ): Promise<readonly string[]>;
  /** Counts a frame that asks for nothing. */
  charge(client: Subscriber): void;
  /** Something that is no Refusal was thrown. */
  failed(error: unknown): void;
}

/** Codes a connection is closed with, beside those of RFC 6455. */
const CLOSE: Readonly<Record<CloseReason, readonly [code: number, reason: string]>> = {
  session_over: [4401, "the session is over"],
  unused: [4408, "nothing was subscribed in time"],
  slow: [4413, "read too slowly"],
  stopping: [1012, "the server restarts"],
};
const LIMITED = 4429;
/** Refusals for coming too often, one after the other, after which a client is not listened to any more. */
const REFUSALS_MAX = 10;
/** A ping so long after the last one costs nothing. */
const PING_EVERY_MS = 1_000;
const TOO_OFTEN = 429;

export class SocketClient implements Outlet, Talk {
  readonly #connection: WebSocketConnection;
  readonly #subscriber: Subscriber;
  readonly #calls: SocketCalls;
  /** Since the last answer. */
  #joined: Joined | undefined;
  #refusals = 0;
  #pingedMs = Number.NEGATIVE_INFINITY;

  constructor(connection: WebSocketConnection, subscriber: Subscriber, calls: SocketCalls) {
    this.#connection = connection;
    this.#subscriber = subscriber;
    this.#calls = calls;
    subscriber.attach(this);
    this.gap();
  }

  onText(text: string): Promise<void> | undefined {
    const frame = readClientFrame(text);
    try {
      if (typeof frame === "string") {
        this.#calls.charge(this.#subscriber);
        this.#connection.reply(errorFrame({ code: "frame_invalid", message: frame }));
      } else if (frame.type === "ping") this.#pong();
      else
        return this.#ask(frame).then(
          (topics) => this.#tell(topics),
          (error) => this.#refuse(error),
        );
    } catch (error) {
      this.#refuse(error);
    }
    return undefined;
  }

  onFlow(): void {
    this.#subscriber.flow();
  }

  onOver(): void {
    this.#subscriber.over();
  }

  message({ frame }: Message): boolean {
    return this.#connection.send(frame);
  }

  beat(): boolean {
    return this.#connection.ping();
  }

  gap(): boolean {
    return this.#connection.send(connectedFrame(this.#subscriber.id));
  }

  // The answer follows what was missed: it says whether that was all.
  joined(joined: Joined): boolean {
    this.#joined = joined;
    return true;
  }

  place(): boolean {
    return true;
  }

  leave(retryMs: number): void {
    this.#connection.close(1012, `retry=${retryMs}`);
  }

  close(reason: CloseReason): void {
    this.#connection.close(...CLOSE[reason]);
  }

  #ask(frame: Exclude<ClientFrame, { readonly type: "ping" }>): Promise<readonly string[]> {
    const calls = this.#calls;
    if (frame.type === "auth") return calls.authenticate(this.#subscriber, frame.token, frame.proof);
    const change =
      frame.type === "subscribe" ? { added: frame.topics, since: frame.since } : { removed: frame.topics };
    return calls.change(this.#subscriber, change);
  }

  #pong(): void {
    const nowMs = performance.now();
    if (nowMs - this.#pingedMs < PING_EVERY_MS) this.#calls.charge(this.#subscriber);
    this.#pingedMs = nowMs;
    this.#connection.reply(PONG);
  }

  #tell(topics: readonly string[]): void {
    this.#refusals = 0;
    this.#connection.reply(subscribedFrame(topics, this.#joined));
    this.#joined = undefined;
  }

  #refuse(error: unknown): void {
    const isRefusal = error instanceof Refusal;
    if (!isRefusal) this.#calls.failed(error);
    const code: ErrorCode = isRefusal ? error.code : "internal";
    const detail = isRefusal ? error.detail : {};
    const { message = ERRORS[code].message, data, retryAfterSeconds: retryAfter } = detail;
    const nonce = headerValue(detail.headers ?? [], "DPoP-Nonce");
    this.#connection.reply(errorFrame({ code, message, data, retryAfter, nonce }));
    this.#refusals = ERRORS[code].status === TOO_OFTEN ? this.#refusals + 1 : 0;
    if (this.#refusals >= REFUSALS_MAX) this.#connection.close(LIMITED, "too many frames");
  }
}
