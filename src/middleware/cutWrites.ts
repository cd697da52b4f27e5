// A streamed body goes on to PocketBase only as long as its session lives: when that ends, the body breaks off before
// its last byte, so that PocketBase never gets a whole request to commit. Bodies that are sent in one piece are not
// its business, nor is anything that has gone out whole.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { BodySink, BodySource, RequestBody } from "../http/answer.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { WritesInFlight } from "../sessions/writesInFlight.ts";
import { refuseUnavailable } from "./identify.ts";

/** A body under guard. */
export interface GuardedWrite {
  readonly body: RequestBody;
  /** Whether its session has ended before it was whole: that is what the client hears then, and not of a broken body. */
  readonly isCut: () => boolean;
  /** The write is over. */
  readonly done: () => void;
}

/**
 * Guards the body of an exchange; undefined when there is nothing to guard (no session, no streamed body).
 *
 * @throws Refusal `session_required` when the session has ended since the exchange was identified.
 */
export const guardWrite = (
  { body, principal }: Exchange,
  { sessions, writes }: { readonly sessions: Sessions; readonly writes: WritesInFlight },
): GuardedWrite | undefined => {
  const session = principal.kind === "guest" ? undefined : principal.session;
  if (session === undefined || body.kind !== "stream") return undefined;
  const gate = new Gate(body.source);
  const done = writes.begin(session, () => gate.cut());
  // After it was noted: an ending in between would have found nothing to cut.
  try {
    if (!sessions.isLive(session)) throw new Refusal("session_required");
  } catch (error) {
    done();
    return refuseUnavailable(error);
  }
  return {
    body: { ...body, source: gate },
    isCut: () => gate.isCut,
    done,
  };
};

class Gate implements BodySource {
  readonly #source: BodySource;
  #sink: BodySink | undefined;
  #isWhole = false;
  isCut = false;

  constructor(source: BodySource) {
    this.#source = source;
  }

  cut(): void {
    if (this.#isWhole || this.isCut) return;
    this.isCut = true;
    this.#source.cancel();
    this.#sink?.fail(new Refusal("session_required"));
  }

  start(sink: BodySink): void {
    if (this.isCut) return sink.fail(new Refusal("session_required"));
    this.#sink = sink;
    this.#source.start({
      data: (chunk) => this.isCut || sink.data(chunk),
      end: () => {
        if (this.isCut) return;
        this.#isWhole = true;
        sink.end();
      },
      fail: (error) => {
        if (!this.isCut) sink.fail(error);
      },
    });
  }

  resume(): void {
    if (!this.isCut) this.#source.resume();
  }

  cancel(): void {
    this.#source.cancel();
  }
}
