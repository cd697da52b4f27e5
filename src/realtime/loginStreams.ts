// The streams on which somebody waits for an OAuth2 provider's answer: one upstream stream each, because PocketBase
// passes the answer to the stream that is named as its `state`. Knows nothing of providers.
import type { OpenRealtime, RealtimeStream } from "../pocketbase/realtimeStream.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import { Message } from "./message.ts";
import type { Subscriber } from "./subscriber.ts";
import { LOGIN_TOPIC } from "./topics.ts";

/** Longer than any provider's code lives. */
const WAIT_MS = 600_000;

interface Waiting {
  readonly client: Subscriber;
  readonly untilMs: number;
  stream: RealtimeStream | undefined;
}

/** Who waits for a login, and under which name PocketBase knows the wait. */
export interface Awaited {
  /** The client address that may answer it. */
  readonly address: string;
  /** PocketBase's own `state`. */
  readonly state: string;
}

export class LoginStreams {
  readonly #open: OpenRealtime;
  readonly #waiting = new Map<string, Waiting>();

  constructor(open: OpenRealtime) {
    this.#open = open;
  }

  /** Upstream streams in use. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Whether a client waits for an answer. */
  has({ id }: Pick<Subscriber, "id">): boolean {
    return this.#waiting.has(id);
  }

  /** Starts waiting, for ten minutes at most; not for a client that is gone. @throws UpstreamError */
  async open(client: Subscriber): Promise<void> {
    if (!client.isOpen || this.#waiting.has(client.id)) return;
    const waiting: Waiting = { client, untilMs: performance.now() + WAIT_MS, stream: undefined };
    this.#waiting.set(client.id, waiting);
    try {
      await this.#connect(waiting);
    } catch (error) {
      this.close(client);
      throw error;
    }
  }

  /** Who waits under the `state` that was given out; undefined when nobody does. */
  find(state: string): Awaited | undefined {
    const waiting = this.#waiting.get(state);
    if (waiting?.stream === undefined) return undefined;
    return { address: waiting.client.address, state: waiting.stream.clientId };
  }

  close({ id }: Subscriber): void {
    this.#waiting.get(id)?.stream?.close();
    this.#waiting.delete(id);
  }

  closeAll(): void {
    for (const { client } of [...this.#waiting.values()]) this.close(client);
  }

  async #connect(waiting: Waiting): Promise<void> {
    const { client } = waiting;
    const stream = await this.#open(client.address, {
      onMessage: (topic, data) => {
        if (topic !== LOGIN_TOPIC || this.#waiting.get(client.id) !== waiting) return;
        // One answer, as in PocketBase.
        this.close(client);
        client.push(new Message(LOGIN_TOPIC, data.replaceAll(stream.clientId, client.id)));
      },
      // Not a provider's answer.
      onTooLong: () => undefined,
      onEnd: () => this.#again(waiting),
    });
    const status = await stream.subscribe([LOGIN_TOPIC], undefined).catch((error) => {
      stream.close();
      throw error;
    });
    if (status !== 204 || this.#waiting.get(client.id) !== waiting) stream.close();
    if (status !== 204) throw new UpstreamError("invalid");
    waiting.stream = stream;
  }

  // PocketBase ends a silent stream after five minutes; somebody may still be typing a password.
  #again(waiting: Waiting): void {
    const { client, untilMs } = waiting;
    waiting.stream = undefined;
    if (this.#waiting.get(client.id) !== waiting) return;
    const isOver = performance.now() >= untilMs;
    if (isOver) this.close(client);
    else void this.#connect(waiting).catch(() => this.close(client));
  }
}
