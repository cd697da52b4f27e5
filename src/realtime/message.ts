// One event on its way to many clients: its wire forms are made once, however many there are. Sends nothing.
import { SharedBytes } from "../http/sharedBytes.ts";
import { type Offset, renderOffset } from "./offset.ts";
import { eventFrame } from "./socketFrames.ts";

/** What is told of one topic; `data` is JSON as PocketBase wrote it, without tokens that count. */
export class Message {
  readonly topic: string;
  readonly data: string;
  /** The events it stands for: itself, unless it is a {@link Batch}. */
  readonly parts: readonly Message[] = [this];
  /** Where it stands in its group's history; undefined for what is not part of any. */
  readonly offset: Offset | undefined;
  #event: SharedBytes | undefined;
  #frame: Uint8Array | undefined;

  constructor(topic: string, data: string, offset?: Offset) {
    this.topic = topic;
    this.data = data;
    this.offset = offset;
  }

  /** The event of a stream of server-sent events, UTF-8; without an `id:` line when it has no offset. */
  get event(): SharedBytes {
    this.#event ??= new SharedBytes(this.eventParts());
    return this.#event;
  }

  /** The whole frame of a WebSocket. */
  get frame(): Uint8Array {
    this.#frame ??= eventFrame(this.topic, this.data, this.offset);
    return this.#frame;
  }

  protected eventParts(): readonly Uint8Array[] {
    const id = this.offset === undefined ? "" : `id:${renderOffset(this.offset)}\n`;
    const data = this.data.replaceAll("\n", "\ndata:");
    return [Buffer.from(`${id}event:${this.topic}\ndata:${data}\n\n`)];
  }
}

/** Several events for the same clients, oldest first, that leave in one piece: a write to a socket costs more than they do. */
export class Batch extends Message {
  override readonly parts: readonly Message[];
  #joinedFrames: Uint8Array | undefined;

  /** @param parts - At least one, each with an offset. */
  constructor(parts: readonly Message[]) {
    super(
      parts.map(({ topic }) => topic).join(),
      parts.map(({ data }) => data).join(""),
      parts.at(-1)?.offset,
    );
    this.parts = parts;
  }

  override get frame(): Uint8Array {
    this.#joinedFrames ??= Buffer.concat(this.parts.map(({ frame }) => frame));
    return this.#joinedFrames;
  }

  protected override eventParts(): readonly Uint8Array[] {
    return this.parts.map(({ event }) => event.bytes);
  }
}
