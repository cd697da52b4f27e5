// What members of a channel are told, as one frame for all of them. Event streams have no such frames.
import { encodeText } from "../websocket/frame.ts";
import { Message } from "./message.ts";

/** Waits in the same queue as events, and counts for the same bound. */
export class ChannelMessage extends Message {
  readonly #encoded: Uint8Array;

  /** @param frame - Sent as JSON. */
  constructor(frame: unknown) {
    const json = JSON.stringify(frame);
    super("", json);
    this.#encoded = encodeText(json);
  }

  override get frame(): Uint8Array {
    return this.#encoded;
  }
}
