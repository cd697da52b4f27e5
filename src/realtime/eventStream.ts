// The wire of a client that reads server-sent events, byte for byte as PocketBase writes
// them, but that events are named by their place in what was told, for clients that come back.
import type { BodySink, BodySource } from "../http/answer.ts";
import type { Message } from "./message.ts";
import type { Joined } from "./recovery.ts";
import type { CloseReason, Outlet, Subscriber } from "./subscriber.ts";

/** Events ignore a comment; proxies take it for traffic. */
const BEAT = ":\n\n";

/** The body of one answer of the type `text/event-stream`. Starts with the client's name. */
export class EventStream implements Outlet, BodySource {
  readonly #subscriber: Subscriber;
  readonly #idLine: string;
  #sink: BodySink | undefined;

  constructor(subscriber: Subscriber) {
    this.#subscriber = subscriber;
    this.#idLine = `id:${subscriber.id}\n`;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    this.#subscriber.attach(this);
    this.gap();
    if (!this.#subscriber.isOpen) this.close("stopping");
  }

  resume(): void {
    this.#subscriber.flow();
  }

  cancel(): void {
    this.#sink = undefined;
    this.#subscriber.over();
  }

  message({ event, offset }: Message): boolean {
    const sink = this.#sink;
    if (sink === undefined) return true;
    if (offset === undefined) return sink.data(Buffer.concat([Buffer.from(this.#idLine), event.bytes]));
    return sink.share === undefined ? sink.data(Uint8Array.from(event.bytes)) : sink.share(event);
  }

  beat(): boolean {
    return this.#say(BEAT);
  }

  // A second connection event makes the SDK subscribe again, and apps that listen for it read anew.
  gap(): boolean {
    return this.#say(`${this.#idLine}event:PB_CONNECT\ndata:{"clientId":"${this.#subscriber.id}"}\n\n`);
  }

  // Clients that know nothing of it pass over an event they do not listen for.
  joined({ recovered }: Joined): boolean {
    if (recovered.size === 0) return true;
    const lost = [...recovered].filter(([, isWhole]) => !isWhole).map(([topic]) => topic);
    const data = JSON.stringify({ recovered: lost.length === 0, lost });
    return this.#say(`event:HAPTA_RECOVERY\ndata:${data}\n\n`);
  }

  // What a client sends as `Last-Event-ID` when it comes back; no event of its own.
  place(offset: string): boolean {
    return this.#say(`id:${offset}\n\n`);
  }

  // The listener ends all streams when it drains.
  leave(retryMs: number): void {
    this.#say(`retry:${retryMs}\n\n`);
  }

  close(reason: CloseReason): void {
    const sink = this.#sink;
    this.#sink = undefined;
    if (reason === "slow") sink?.fail(new Error("the client is too slow"));
    else sink?.end();
  }

  #say(text: string): boolean {
    return this.#sink?.data(Buffer.from(text)) !== false;
  }
}
