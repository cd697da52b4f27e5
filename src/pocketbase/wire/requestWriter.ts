// Writes one request to a connection: head and small bodies in one piece, streamed bodies with
// backpressure in both directions and the framing the client used.
import type { BodySource, RequestBody } from "../../http/answer.ts";
import type { Connection } from "./connection.ts";
import type { UploadPace } from "./uploadPace.ts";
import type { UpstreamFailure } from "./upstreamError.ts";

export interface UpstreamRequest {
  readonly method: string;
  /** Request line and header lines, each ended by CRLF, without framing headers and without the blank line. */
  readonly head: string;
  readonly body: RequestBody;
  /** Largest streamed body in bytes. */
  readonly bodyBytesMax: number;
  /** An endless answer (SSE): held by the client, not by the deadlines of a request. */
  readonly isStream: boolean;
  /** Wants a connection of its own, because those in the pool may be dead without a sign. */
  readonly isFresh?: boolean;
  /** Key for taking turns when the upstream is busy. */
  readonly fairnessKey: string;
}

/** Sends a request up to its streamed body, or to its end when there is none. */
export const sendHead = (connection: Connection, { method, head, body }: UpstreamRequest): void => {
  if (body.kind === "stream") {
    const framing =
      body.length === undefined ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
    connection.writeText(`${head}${framing}\r\n\r\n`);
  } else if (body.kind === "bytes") {
    connection.writeText(`${head}Content-Length: ${body.bytes.length}\r\n\r\n`, body.bytes);
  } else {
    // An empty body must never be chunked, and says its length wherever a body could be (RFC 9110 8.6).
    const isBodyless = method === "GET" || method === "HEAD" || method === "OPTIONS";
    connection.writeText(isBodyless ? `${head}\r\n` : `${head}Content-Length: 0\r\n\r\n`);
  }
};

interface WriterOptions {
  readonly bytesMax: number;
  readonly pace: UploadPace;
  readonly progress: () => void;
  readonly done: () => void;
  readonly failed: (failure: UpstreamFailure) => void;
}

const LAST_CHUNK = "0\r\n\r\n";
const CRLF = "\r\n";
/** Shorter chunks are put together with their size; longer ones go out as they are, and their memory is freed. */
const JOINED_BYTES_MAX = 16_384;

/** Pipes a streamed request body to a connection. */
export class StreamWriter {
  isDone = false;
  /** True while the next move is the client's, not the upstream's. */
  waitsForClient = true;
  readonly #connection: Connection;
  readonly #options: WriterOptions;
  #sentBytes = 0;
  /** The line end of the chunk before, which goes out with the next one. */
  #chunkEnd = "";
  #source: BodySource | undefined;

  constructor(connection: Connection, options: WriterOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** The moment at which the client has been too slow. */
  get deadlineMs(): number {
    return this.isDone ? Number.POSITIVE_INFINITY : this.#options.pace.deadlineMs;
  }

  pipe(source: BodySource, isChunked: boolean): void {
    this.#source = source;
    source.start({
      data: (chunk) => this.#send(chunk, isChunked),
      end: () => {
        if (this.#source === undefined) return;
        if (isChunked) this.#connection.writeText(this.#chunkEnd + LAST_CHUNK);
        this.isDone = true;
        this.waitsForClient = false;
        this.#options.done();
      },
      fail: () => this.#options.failed("client_gone"),
    });
  }

  onDrain(): void {
    if (this.isDone || this.#source === undefined) return;
    this.waitsForClient = true;
    this.#options.pace.resume(performance.now());
    this.#options.progress();
    this.#source.resume();
  }

  /** Stops reading from the client; the rest of its body is not wanted. */
  stop(): void {
    if (!this.isDone) this.#source?.cancel();
    this.#source = undefined;
  }

  #send(chunk: Uint8Array, isChunked: boolean): boolean {
    if (this.#source === undefined) return true;
    this.#sentBytes += chunk.length;
    if (this.#sentBytes > this.#options.bytesMax) {
      this.#options.failed("client_body_too_large");
      return true;
    }
    this.#options.progress();
    const flows = isChunked ? this.#sendChunk(chunk) : this.#connection.give(chunk);
    this.waitsForClient = flows;
    this.#options.pace.sent(chunk.length);
    if (!flows) this.#options.pace.pause(performance.now());
    return flows;
  }

  #sendChunk(chunk: Uint8Array): boolean {
    const start = `${this.#chunkEnd}${chunk.length.toString(16)}\r\n`;
    this.#chunkEnd = CRLF;
    if (chunk.length <= JOINED_BYTES_MAX) return this.#connection.writeText(start, chunk);
    this.#connection.writeText(start);
    return this.#connection.give(chunk);
  }
}
