// The bodies and answers that travel through Hapta, as plain values: header case, duplicates and order
// reach the other side as decided, and a known length stays known.
import type { AnswerFrame } from "./answerHead.ts";
import type { ClientSocket, Connection } from "./connectionOptions.ts";
import type { Outbox } from "./outbox.ts";
import type { FileSpan } from "./sendFile.ts";
import type { SharedBytes } from "./sharedBytes.ts";
import type { Presence } from "./wireRequest.ts";

/** Receives a streamed body. Callbacks come in order; nothing after `end` or `fail`. */
export interface BodySink {
  /**
   * Takes the next bytes. They are the sink's from here on, and empty once they are sent: whoever passes them on
   * and wants to keep them copies them first. `false` asks the source to pause until {@link BodySource.resume}.
   */
  data(chunk: Uint8Array): boolean;
  /** As {@link data}, for bytes that stay the giver's, who gives them to many. Absent where nothing is gained by it. */
  share?(shared: SharedBytes): boolean;
  /**
   * Takes the next bytes out of an open file, at once and unread. Absent where they must be seen.
   * @returns how many it took; fewer than asked: the next ones are to be read and given to {@link data}.
   */
  sendFile?(span: FileSpan): number;
  end(): void;
  /** The body broke off: the receiver must not present what came so far as whole. */
  fail(error: Error): void;
}

/** A body that arrives piece by piece; started once, bounded by the deadlines of whoever feeds it. */
export interface BodySource {
  start(sink: BodySink): void;
  resume(): void;
  /** Gives up on the rest and frees what feeds it. Safe to call at any time, any number of times. */
  cancel(): void;
}

/**
 * The body of a request on its way to the upstream.
 * - `none`: no body.
 * - `bytes`: a body Hapta parsed and wrote anew.
 * - `stream`: passes through; `length` in bytes, undefined when the client sent it in chunks.
 */
export type RequestBody =
  | { readonly kind: "none" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "stream"; readonly source: BodySource; readonly length: number | undefined };

/** What Hapta sends back. */
export interface Answer {
  readonly status: number;
  /**
   * Name, value, name, value...; repeated names stay apart. Values are latin1 without control characters. Answers may
   * share a list: who wants another makes one.
   */
  readonly headers: readonly string[];
  /** Fields that leave behind those, as lines with their CRLF: what `trace` says with every answer. */
  readonly lines?: string;
  /** `null`: no body and no Content-Length of our own (HEAD, 204, 304). */
  readonly body: Uint8Array | BodySource | null;
  /** Of a 101: makes who speaks with the client from here on. */
  readonly upgrade?: Upgrade | undefined;
  /** What it starts with, made ready before; counts as long as `headers` is the very list that it was made of. */
  readonly frame?: AnswerFrame | undefined;
}

/** What HTTP leaves behind on a connection: whatever still waits to be sent, and who is told when the client goes. */
export interface HandOver {
  readonly socket: ClientSocket;
  readonly outbox: Outbox;
  readonly presence: Presence;
}

export type Upgrade = (handOver: HandOver) => Connection;

/** Whether the body arrives piece by piece. */
export const isStreamed = (body: Answer["body"]): body is BodySource => body !== null && "start" in body;
