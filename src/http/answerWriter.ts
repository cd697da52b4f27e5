// Writes answers: head, framing, body; in one piece when the body is at hand.
import { type Answer, type BodySink, type BodySource, isStreamed } from "./answer.ts";
import { type AnswerPlace, renderHead } from "./answerHead.ts";
import type { Outbox } from "./outbox.ts";
import type { FileSpan } from "./sendFile.ts";
import { frameChunk, type SharedBytes } from "./sharedBytes.ts";

/** Who is told how the writing of a streamed answer goes. */
export interface AnswerWatcher {
  /** The client takes nothing at the moment; called at every such moment. */
  onStall(): void;
  /** Called once: `false` when the body broke off. */
  onEnd(isWhole: boolean): void;
}

/** Writes an answer whose body is at hand, in one piece. @returns false when bytes wait for the client. */
export const writeWhole = (outbox: Outbox, answer: Answer, place: AnswerPlace): boolean => {
  const { body } = answer;
  const isBodiless = body === null || isStreamed(body);
  const framing = isBodiless ? "" : `Content-Length: ${body.length}\r\n`;
  const { start, rest, room } = renderHead(answer, place, framing);
  if (isBodiless || place.isHead) return outbox.writeText(start + rest);
  // Somebody may have given the answer another body.
  return room !== undefined && room.bytes.buffer === body.buffer
    ? outbox.writeInto([start, rest], room, body)
    : outbox.writeText(start + rest, body);
};

const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** Writes one answer whose body arrives piece by piece; takes the pieces itself, because there may be very many of it. */
export class AnswerWriter implements BodySink {
  readonly #outbox: Outbox;
  readonly #place: AnswerPlace;
  readonly #watcher: AnswerWatcher;
  #source: BodySource | undefined;
  #isChunked = false;
  #isEndless = false;
  #hasEnded = false;

  constructor(outbox: Outbox, place: AnswerPlace, watcher: AnswerWatcher) {
    this.#outbox = outbox;
    this.#place = place;
    this.#watcher = watcher;
  }

  write(answer: Answer, source: BodySource): void {
    const length = declaredLength(answer.headers);
    this.#isChunked = length === undefined && this.#place.minor === 1;
    this.#isEndless = answer.headers.some((value) => value.startsWith("text/event-stream"));
    this.#source = source;
    const framing = this.#isChunked ? "Transfer-Encoding: chunked\r\n" : "";
    const { start, rest } = renderHead(answer, this.#place, framing);
    if (!this.#outbox.writeText(start + rest)) this.#watcher.onStall();
    if (this.#place.isHead) {
      source.cancel();
      return this.#end(true);
    }
    source.start(this);
  }

  data(chunk: Uint8Array): boolean {
    if (this.#hasEnded || this.#outbox.give(this.#isChunked ? frameChunk([chunk]) : chunk)) return true;
    this.#watcher.onStall();
    return false;
  }

  share({ chunk, bytes }: SharedBytes): boolean {
    if (this.#hasEnded || this.#outbox.write(this.#isChunked ? chunk : bytes)) return true;
    this.#watcher.onStall();
    return false;
  }

  // A chunk would need a frame around what may be taken in part.
  sendFile(span: FileSpan): number {
    return this.#hasEnded || this.#isChunked ? 0 : this.#outbox.sendFile(span);
  }

  end(): void {
    if (this.#hasEnded) return;
    if (this.#isChunked && !this.#outbox.write(LAST_CHUNK)) this.#watcher.onStall();
    this.#end(true);
  }

  fail(): void {
    this.#end(false);
  }

  /** The client takes bytes again. */
  onDrain(): void {
    this.#source?.resume();
  }

  /** Ends an endless answer cleanly (SSE, when the server stops); others keep their time. */
  endStream(): void {
    if (!this.#isEndless || this.#hasEnded) return;
    // In this order: a source that is cancelled reports a failure, which must find the answer ended.
    this.end();
    this.#source?.cancel();
  }

  cancel(): void {
    this.#hasEnded = true;
    this.#source?.cancel();
  }

  #end(isWhole: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#watcher.onEnd(isWhole);
  }
}

const declaredLength = (headers: readonly string[]): string | undefined => {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === "content-length") return headers[i + 1];
  }
  return undefined;
};
