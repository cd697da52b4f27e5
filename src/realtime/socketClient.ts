// A realtime client on a WebSocket: what its frames ask for, and how events reach it. Who it is and what it may is said
// by whoever made it.
import { ERRORS, type ErrorCode, Refusal } from "../errors.ts";
import { headerValue } from "../utils/headers.ts";
import type { Talk, WebSocketConnection } from "../websocket/webSocketConnection.ts";
import type { Channels, Visitor } from "./channels.ts";
import type { Message } from "./message.ts";
import type { Joined } from "./recovery.ts";
import {
  aboutOf,
  type ClientFrame,
  channelFrame,
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
  /** Counts a frame that asks for nothing of PocketBase. */
  charge(client: Subscriber): void;
  /** Counts a frame with which a client comes to stay, and makes it its caller's. */
  stay(client: Subscriber): Promise<void>;
  mayEnter: Visitor["mayEnter"];
  user: Visitor["user"];
  /** Something that is no Refusal was thrown. */
  failed(error: unknown): void;
}

/** Codes a connection is closed with, beside those of RFC 6455. */
const CLOSE: Readonly<Record<CloseReason, readonly [code: number, reason: string]>> = {
  session_over: [4401, "the session is over"],
  unused: [4408, "nothing was subscribed in time"],
  slow: [4413, "read too slowly"],
  stopping: [1012, "the server restarts"],
  full: [1013, "there are too many clients"],
};
const LIMITED = 4429;
/** Refusals for coming too often, one after the other, after which a client is not listened to any more. */
const REFUSALS_MAX = 10;
/** A ping so long after the last one costs nothing. */
const PING_EVERY_MS = 1_000;
const TOO_OFTEN = 429;

export interface SocketClientOptions {
  readonly subscriber: Subscriber;
  readonly calls: SocketCalls;
  readonly channels: Channels;
}

export class SocketClient implements Outlet, Talk {
  readonly #connection: WebSocketConnection;
  readonly #subscriber: Subscriber;
  readonly #calls: SocketCalls;
  readonly #channels: Channels;
  /** Since the last answer. */
  #joined: Joined | undefined;
  #refusals = 0;
  #pingedMs = Number.NEGATIVE_INFINITY;

  constructor(connection: WebSocketConnection, { subscriber, calls, channels }: SocketClientOptions) {
    this.#connection = connection;
    this.#subscriber = subscriber;
    this.#calls = calls;
    this.#channels = channels;
    subscriber.attach(this);
    this.gap();
  }

  onText(text: string): Promise<void> | undefined {
    const frame = readClientFrame(text);
    const about = typeof frame === "string" ? {} : aboutOf(frame);
    try {
      if (typeof frame === "string") {
        this.#calls.charge(this.#subscriber);
        this.#connection.reply(errorFrame({ code: "frame_invalid", message: frame }));
      } else return this.#answer(frame)?.catch((error) => this.#refuse(error, about));
    } catch (error) {
      this.#refuse(error, about);
    }
    return undefined;
  }

  onFlow(): void {
    this.#subscriber.flow();
  }

  onOver(): void {
    this.#subscriber.over();
    this.#channels.leaveAll(this.#subscriber);
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
    this.#channels.leaveAll(this.#subscriber);
    this.#connection.close(...CLOSE[reason]);
  }

  #answer(frame: ClientFrame): Promise<void> | undefined {
    const [calls, client] = [this.#calls, this.#subscriber];
    switch (frame.type) {
      case "ping":
        return this.#pong();
      case "auth":
        return calls.authenticate(client, frame.token, frame.proof).then((topics) => this.#tell(topics));
      case "subscribe":
        return calls
          .change(client, { added: frame.topics, since: frame.since })
          .then((topics) => this.#tell(topics));
      case "unsubscribe":
        return calls.change(client, { removed: frame.topics }).then((topics) => this.#tell(topics));
      case "join":
        return this.#join(frame.channel, frame.data);
      case "leave":
        calls.charge(client);
        this.#channels.leave(client, frame.channel);
        return this.#reply(channelFrame("left", frame.channel));
      case "message":
        this.#channels.say(client, frame.channel, frame.data);
        return this.#reply(channelFrame("sent", frame.channel));
    }
  }

  async #join(channel: string, data: unknown): Promise<void> {
    const [calls, subscriber] = [this.#calls, this.#subscriber];
    await calls.stay(subscriber);
    const visitor: Visitor = {
      subscriber,
      mayEnter: (place) => calls.mayEnter(place),
      user: () => calls.user(),
    };
    await this.#channels.join(visitor, channel, data);
    this.#refusals = 0;
  }

  #pong(): undefined {
    const nowMs = performance.now();
    if (nowMs - this.#pingedMs < PING_EVERY_MS) this.#calls.charge(this.#subscriber);
    this.#pingedMs = nowMs;
    this.#connection.reply(PONG);
  }

  #tell(topics: readonly string[]): void {
    this.#reply(subscribedFrame(topics, this.#joined));
    this.#joined = undefined;
  }

  #reply(frame: Uint8Array): undefined {
    this.#refusals = 0;
    this.#connection.reply(frame);
  }

  #refuse(error: unknown, about: ReturnType<typeof aboutOf>): void {
    const isRefusal = error instanceof Refusal;
    if (!isRefusal) this.#calls.failed(error);
    const code: ErrorCode = isRefusal ? error.code : "internal";
    const detail = isRefusal ? error.detail : {};
    const { message = ERRORS[code].message, data, retryAfterSeconds: retryAfter } = detail;
    const nonce = headerValue(detail.headers ?? [], "DPoP-Nonce");
    this.#connection.reply(errorFrame({ code, message, ...about, data, retryAfter, nonce }));
    this.#refusals = ERRORS[code].status === TOO_OFTEN ? this.#refusals + 1 : 0;
    if (this.#refusals >= REFUSALS_MAX) this.#connection.close(LIMITED, "too many frames");
  }
}
