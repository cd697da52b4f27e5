// One event on its way to many clients: its wire forms are made once, however many there are. Sends nothing.
import { type Offset, renderOffset } from "./offset.ts";
import { eventFrame } from "./socketFrames.ts";

/** What is told of one topic; `data` is JSON as PocketBase wrote it, without tokens that count. */
export class Message {
  readonly topic: string;
  readonly data: string;
  /** Where it stands in its group's history; undefined for what is not part of any. */
  readonly offset: Offset | undefined;
  #event: Uint8Array | undefined;
  #frame: Uint8Array | undefined;

  constructor(topic: string, data: string, offset?: Offset) {
    this.topic = topic;
    this.data = data;
    this.offset = offset;
  }

  /** The event of a stream of server-sent events, UTF-8; without an `id:` line when it has no offset. */
  get event(): Uint8Array {
    const id = this.offset === undefined ? "" : `id:${renderOffset(this.offset)}\n`;
    this.#event ??= Buffer.from(
      `${id}event:${this.topic}\ndata:${this.data.replaceAll("\n", "\ndata:")}\n\n`,
    );
    return this.#event;
  }

  /** The whole frame of a WebSocket. */
  get frame(): Uint8Array {
    this.#frame ??= eventFrame(this.topic, this.data, this.offset);
    return this.#frame;
  }
}
