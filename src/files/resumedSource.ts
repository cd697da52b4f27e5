// A download that goes on where PocketBase broke it off, as it does after five minutes of writing and when it restarts.
// That the rest is of the same file is checked each time; where it is not, the download breaks off as it would have.
import { type Answer, type BodySink, type BodySource, isStreamed } from "../http/answer.ts";
import { type Clock, systemClock } from "../pocketbase/clock.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import { headerValue } from "../utils/headers.ts";
import { spreadMs } from "../utils/spreadMs.ts";

/** Asks for the same file with these fields (`Range`, `If-Range`). Rejects when there is no answer. */
export type AskForRest = (fields: readonly string[]) => Promise<Answer>;

/** A PocketBase that restarts is back by the last of them: 8.6 s together at least, spread as they are. */
const PAUSES_MS = [250, 750, 1_500, 3_000, 6_000] as const;
/** A rest that breaks off before so many bytes is one more try in a row, so that there is an end to them. */
const PROGRESS_BYTES_MIN = 65_536;

/** What of a file is on its way: bytes `from` up to, without, `to`. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly total: number;
  readonly lastModified: string;
  readonly etag: string | undefined;
}

/** How long it is waited before the rest is asked for. */
export interface Patience {
  /** Before each try in a row, spread because a restart breaks off all downloads at the same moment. */
  readonly pausesMs: readonly number[];
  readonly clock: Clock;
  /** 0 up to, without, 1. */
  readonly random: () => number;
}

const PATIENCE: Patience = { pausesMs: PAUSES_MS, clock: systemClock, random: Math.random };

/** The answer with a body that goes on after a break; as it is when it says too little to be sure of the rest. */
export const resumable = (answer: Answer, ask: AskForRest, patience: Patience = PATIENCE): Answer => {
  const { body } = answer;
  if (!isStreamed(body)) return answer;
  const span = spanOf(answer);
  return span === undefined
    ? answer
    : { ...answer, body: new ResumedSource(body, span, { ask, ...patience }) };
};

/** How the rest is asked for. */
interface Manner extends Patience {
  readonly ask: AskForRest;
}

class ResumedSource implements BodySource {
  readonly #span: Span;
  readonly #manner: Manner;
  #source: BodySource;
  #sink: BodySink | undefined;
  #at: number;
  /** Where the last break was. */
  #brokenAt: number;
  #tries = 0;
  #callOff: (() => void) | undefined;
  #isPaused = false;
  /** Broken off while its reader could take nothing: the rest is asked for when it can. */
  #isWaiting = false;
  #isOver = false;

  constructor(source: BodySource, span: Span, manner: Manner) {
    this.#source = source;
    this.#span = span;
    this.#manner = manner;
    this.#at = span.from;
    this.#brokenAt = span.from;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    this.#follow(this.#source, sink);
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#isWaiting) this.#retry();
    else this.#source.resume();
  }

  cancel(): void {
    this.#isOver = true;
    this.#callOff?.();
    this.#source.cancel();
  }

  #follow(source: BodySource, sink: BodySink): void {
    this.#source = source;
    source.start({
      data: (chunk) => {
        // The sink may empty it.
        this.#at += chunk.length;
        this.#isPaused = !sink.data(chunk);
        return !this.#isPaused;
      },
      end: () => this.#end(),
      fail: (error) => this.#broken(error),
    });
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink?.end();
  }

  #giveUp(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink?.fail(error instanceof Error ? error : new Error(String(error)));
  }

  // Deadlines are the operator's, and a client that left wants no more.
  #broken(error: Error): void {
    if (this.#isOver) return;
    if (!(error instanceof UpstreamError && error.failure === "invalid")) return this.#giveUp(error);
    if (this.#at - this.#brokenAt >= PROGRESS_BYTES_MIN) this.#tries = 0;
    this.#brokenAt = this.#at;
    this.#isWaiting = this.#isPaused;
    if (!this.#isPaused) this.#retry(error);
  }

  #retry(error?: unknown): void {
    this.#isWaiting = false;
    const { pausesMs, clock, random } = this.#manner;
    const pauseMs = pausesMs[this.#tries++];
    if (pauseMs === undefined) return this.#giveUp(error ?? new UpstreamError("invalid"));
    this.#callOff = clock.after(spreadMs(pauseMs, random), () => this.#goOn());
  }

  #goOn(): void {
    const { to, lastModified } = this.#span;
    const fields = ["Range", `bytes=${this.#at}-${to - 1}`, "If-Range", lastModified];
    this.#manner.ask(fields).then(
      (answer) => this.#take(answer),
      (error) => {
        if (!this.#isOver) this.#retry(error);
      },
    );
  }

  #take(answer: Answer): void {
    const { body, status } = answer;
    const isRest = !this.#isOver && isRestOf(this.#span, this.#at, answer);
    if (!isRest && isStreamed(body)) body.cancel();
    if (this.#isOver || this.#sink === undefined) return;
    if (status >= 500) return this.#retry();
    if (!isRest || body === null) return this.#giveUp(new UpstreamError("invalid"));
    if (isStreamed(body)) return this.#follow(body, this.#sink);
    this.#sink.data(body);
    this.#end();
  }
}

const isRestOf = (span: Span, at: number, answer: Answer): boolean => {
  const rest = answer.status === 206 ? spanOf(answer) : undefined;
  if (rest === undefined) return false;
  const isSame = rest.lastModified === span.lastModified && rest.etag === span.etag;
  return isSame && rest.from === at && rest.to === span.to && rest.total === span.total;
};

const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/;

// Undefined for several ranges at once, for what is encoded, and without a date to recognise the file by.
const spanOf = ({ status, headers }: Answer): Span | undefined => {
  const lastModified = headerValue(headers, "last-modified");
  const length = Number(headerValue(headers, "content-length"));
  if (lastModified === undefined || headerValue(headers, "content-encoding") !== undefined) return undefined;
  if (headerValue(headers, "accept-ranges") !== "bytes" || !(length > 0)) return undefined;
  const known = { lastModified, etag: headerValue(headers, "etag") };
  if (status === 200) return { ...known, from: 0, to: length, total: length };
  const match = status === 206 ? CONTENT_RANGE.exec(headerValue(headers, "content-range") ?? "") : null;
  if (match === null) return undefined;
  const [from = 0, last = 0, total = 0] = match.slice(1).map(Number);
  return { ...known, from, to: last + 1, total };
};
