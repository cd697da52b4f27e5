// The body of a client's request as a BodySource: decodes its framing, holds little, tells the socket
// when to pause.
import type { BodySink, BodySource } from "./answer.ts";
import { type BodyDecoder, createBodyDecoder } from "./bodyDecoder.ts";
import type { RequestFraming } from "./requestHead.ts";

/** How the source steers its connection. */
export interface Flow {
  /** Somebody wants the body: the moment for `100 Continue`. */
  readonly wanted: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Bytes held before anybody has asked for the body. */
const HELD_BYTES_MAX = 65_536;

export class RequestSource implements BodySource {
  /** The last byte of the body has arrived. */
  isComplete = false;
  readonly #decoder: BodyDecoder;
  readonly #flow: Flow;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #sink: BodySink | undefined;
  #state: "flowing" | "ended" | "broken" | "cancelled" = "flowing";

  constructor(framing: RequestFraming, flow: Flow) {
    this.#decoder = createBodyDecoder(framing);
    this.#flow = flow;
  }

  /** Takes bytes off the wire. @returns what lies behind the end of the body. */
  push(input: Uint8Array): Uint8Array | undefined {
    if (this.#state === "broken") return undefined;
    const { pieces, state, rest } = this.#decoder.push(input);
    if (state === "invalid") {
      this.break();
      return undefined;
    }
    this.isComplete = state === "done";
    if (this.#state === "cancelled") return rest;
    for (const piece of pieces) if (piece.length > 0) this.#emit(piece);
    if (this.isComplete) this.#end();
    return rest;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    this.#flow.wanted();
    const held = this.#held;
    this.#held = [];
    let flows = true;
    for (const piece of held) flows = sink.data(piece) && flows;
    if (this.#state === "ended") sink.end();
    else if (this.#state === "broken") sink.fail(new Error("the request body broke off"));
    else if (flows) this.#flow.resume();
    else this.#flow.pause();
  }

  resume(): void {
    if (this.#state === "flowing") this.#flow.resume();
  }

  cancel(): void {
    if (this.#state === "flowing") this.#state = "cancelled";
    this.#held = [];
    this.#sink = undefined;
  }

  /** The connection closed, or the framing is invalid: there will be no more. */
  break(): void {
    if (this.#state !== "flowing") return;
    this.#state = "broken";
    this.#held = [];
    this.#sink?.fail(new Error("the request body broke off"));
  }

  #emit(piece: Uint8Array): void {
    if (this.#sink !== undefined) {
      if (!this.#sink.data(piece)) this.#flow.pause();
      return;
    }
    this.#held.push(piece);
    this.#heldBytes += piece.length;
    if (this.#heldBytes > HELD_BYTES_MAX) this.#flow.pause();
  }

  #end(): void {
    if (this.#state !== "flowing") return;
    this.#state = "ended";
    this.#sink?.end();
  }
}
