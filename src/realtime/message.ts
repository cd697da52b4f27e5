// One event on its way to many clients: its wire forms are made once, however many there are. Sends nothing.
import { eventFrame } from "./socketFrames.ts";

/** What is told of one topic; `data` is JSON as PocketBase wrote it, without tokens that count. */
export class Message {
  readonly topic: string;
  readonly data: string;
  #event: Uint8Array | undefined;
  #frame: Uint8Array | undefined;

  constructor(topic: string, data: string) {
    this.topic = topic;
    this.data = data;
  }

  /** The event of a stream of server-sent events but for its `id:` line, UTF-8. */
  get event(): Uint8Array {
    this.#event ??= Buffer.from(`event:${this.topic}\ndata:${this.data.replaceAll("\n", "\ndata:")}\n\n`);
    return this.#event;
  }

  /** The whole frame of a WebSocket. */
  get frame(): Uint8Array {
    this.#frame ??= eventFrame(this.topic, this.data);
    return this.#frame;
  }
}
