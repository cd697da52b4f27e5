// One realtime stream of PocketBase, opened through a pool and subscribed with a caller's credential.
// Lives once: what replaces it, and who hears its events, is the affair of whoever opened it.
import { type Answer, isStreamed } from "../http/answer.ts";
import { headerValue } from "../utils/headers.ts";
import { EventReader } from "./eventReader.ts";
import { ReadPace } from "./readPace.ts";
import { field } from "./superuser.ts";
import type { PendingCall, UpstreamPool } from "./wire/pool.ts";
import type { UpstreamRequest } from "./wire/requestWriter.ts";
import { UpstreamError } from "./wire/upstreamError.ts";

/** An open stream. */
export interface RealtimeStream {
  /** PocketBase's name for it; never told to a client. */
  readonly clientId: string;
  /**
   * Replaces its topics, as the holder of `credential` (undefined: a guest).
   *
   * @param way - `fresh` takes a connection of its own, for when old ones may be dead without a sign.
   * @returns PocketBase's status, 204 when they are in force. @throws UpstreamError
   */
  subscribe(
    topics: readonly string[],
    credential: string | undefined,
    way?: "pooled" | "fresh",
  ): Promise<number>;
  /**
   * Has PocketBase send one message that holds `code` on {@link PROOF_TOPIC}, which must be subscribed and is not
   * any more afterwards.
   *
   * @returns whether PocketBase says that it has sent it. @throws UpstreamError
   */
  provoke(code: string): Promise<boolean>;
  close(): void;
}

/** PocketBase passes an OAuth2 provider's answer on to the stream named in it: a message anybody can ask for. */
export const PROOF_TOPIC = "@oauth2";

/** Who hears a stream. */
export interface RealtimeListener {
  /** One message: the topic as it was subscribed, and its data as PocketBase wrote it. */
  onMessage(topic: string, data: string): void;
  /** A message of this topic was too long to be passed on. */
  onTooLong(topic: string): void;
  /** Nothing more will come; called once, and not after `close`. */
  onEnd(): void;
}

/**
 * Opens a stream. PocketBase takes subscriptions from the address it was opened for only.
 *
 * @param address - The client address that PocketBase is told; undefined for Hapta's own. @throws UpstreamError
 */
export type OpenRealtime = (
  address: string | undefined,
  listener: RealtimeListener,
) => Promise<RealtimeStream>;

/** How streams are read. */
export interface RealtimeReading {
  /** Longest message, in characters. */
  readonly messageCharsMax: number;
  /** Whether one that tells very much is read less often, so that its messages come a little later. */
  readonly isPaced: boolean;
}

type Wire = Pick<UpstreamPool, "request" | "authority">;

const READING: RealtimeReading = { messageCharsMax: 4 * 1024 * 1024, isPaced: true };
const CONNECT_MS = 10_000;

export const createOpenRealtime =
  (pool: Wire, reading = READING): OpenRealtime =>
  async (address, listener) => {
    const stream = new PooledStream(pool, { address, listener, reading });
    await stream.open();
    return stream;
  };

interface Place {
  readonly address: string | undefined;
  readonly listener: RealtimeListener;
  readonly reading: RealtimeReading;
}

class PooledStream implements RealtimeStream {
  clientId = "";
  readonly #pool: Wire;
  readonly #place: Place;
  #cancel: () => void = () => undefined;
  #isOpen = true;

  constructor(pool: Wire, place: Place) {
    this.#pool = pool;
    this.#place = place;
  }

  async open(): Promise<void> {
    const connected = Promise.withResolvers<string>();
    const late = setTimeout(() => connected.reject(new UpstreamError("timeout")), CONNECT_MS);
    try {
      const answer = await this.#ask({
        method: "GET",
        accept: "text/event-stream",
        isStream: true,
        isFresh: true,
      });
      if (answer.status !== 200 || !isStreamed(answer.body)) throw new UpstreamError("invalid");
      this.#read(answer.body, connected);
      this.clientId = await connected.promise;
    } catch (error) {
      this.close();
      throw error instanceof UpstreamError ? error : new UpstreamError("unreachable", { cause: error });
    } finally {
      clearTimeout(late);
    }
  }

  async subscribe(
    topics: readonly string[],
    credential: string | undefined,
    way: "pooled" | "fresh" = "pooled",
  ): Promise<number> {
    const body = Buffer.from(JSON.stringify({ clientId: this.clientId, subscriptions: topics }));
    const isFresh = way === "fresh";
    const answer = await this.#ask({ method: "POST", body, credential, isStream: false, isFresh });
    if (isStreamed(answer.body)) answer.body.cancel();
    return answer.status;
  }

  async provoke(code: string): Promise<boolean> {
    const query = new URLSearchParams({ state: this.clientId, code });
    const path = `/api/oauth2-redirect?${query}`;
    const answer = await this.#ask({ method: "GET", path, isStream: false, isFresh: true });
    if (isStreamed(answer.body)) answer.body.cancel();
    return headerValue(answer.headers, "location")?.endsWith("oauth2-redirect-success") === true;
  }

  close(): void {
    this.#isOpen = false;
    this.#cancel();
  }

  #read(body: Answer["body"] & object, connected: PromiseWithResolvers<string>): void {
    if (!isStreamed(body)) return;
    const { listener, reading } = this.#place;
    this.#cancel = () => body.cancel();
    const over = (): void => {
      connected.reject(new UpstreamError("unreachable"));
      if (!this.#isOpen) return;
      this.#isOpen = false;
      if (this.clientId !== "") listener.onEnd();
    };
    const reader = new EventReader({
      charsMax: reading.messageCharsMax,
      onEvent: ({ id, event, data }) => {
        if (!this.#isOpen) return;
        if (event === "PB_CONNECT") return connected.resolve(id ?? idIn(data));
        listener.onMessage(event, data);
      },
      onTooLong: (topic) => {
        if (this.#isOpen) listener.onTooLong(topic);
      },
    });
    const decoder = new TextDecoder();
    const pace = reading.isPaced ? new ReadPace(() => body.resume()) : undefined;
    body.start({
      data: (chunk) => {
        if (this.#isOpen) reader.feed(decoder.decode(chunk, { stream: true }));
        return pace?.take(chunk.length) !== false;
      },
      end: over,
      fail: over,
    });
  }

  #ask(asked: Asked): Promise<Answer> {
    const { address } = this.#place;
    return new Promise((resolve, reject) => {
      this.#pool.request(render(asked, { address, authority: this.#pool.authority }), {
        onPending: (pending: PendingCall) => {
          if (!asked.isStream) return;
          this.#cancel = () => pending.cancel();
          if (!this.#isOpen) pending.cancel();
        },
        onAnswer: resolve,
        onFailure: reject,
      });
    });
  }
}

interface Asked {
  readonly method: "GET" | "POST";
  /** `/api/realtime` when absent. */
  readonly path?: string;
  readonly isStream: boolean;
  readonly isFresh: boolean;
  readonly accept?: string;
  readonly body?: Uint8Array;
  readonly credential?: string | undefined;
}

const render = (
  { method, path = "/api/realtime", isStream, isFresh, accept, body, credential }: Asked,
  { address, authority }: Pick<Place, "address"> & { readonly authority: string },
): UpstreamRequest => {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${authority}`];
  if (address !== undefined) lines.push(`X-Forwarded-For: ${address}`);
  if (accept !== undefined) lines.push(`Accept: ${accept}`);
  if (body !== undefined) lines.push("Content-Type: application/json");
  if (credential !== undefined) lines.push(`Authorization: ${credential}`);
  return {
    method,
    head: `${lines.join("\r\n")}\r\n`,
    body: body === undefined ? { kind: "none" } : { kind: "bytes", bytes: body },
    bodyBytesMax: Number.POSITIVE_INFINITY,
    isStream,
    isFresh,
    fairnessKey: address ?? "",
  };
};

const idIn = (data: string): string => {
  try {
    return String(field(JSON.parse(data), "clientId") ?? "");
  } catch {
    return ""; // not PocketBase's; nothing will be subscribed under no name
  }
};
