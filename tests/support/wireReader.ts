// Parses HTTP/1.1 responses from bytes as they arrive, keeping the framing visible. Used by wire.ts only.
import { within } from "./eventually.ts";

/** How the end of a body was marked. */
export type Framing = "none" | "length" | "chunked" | "close";

/** One response as it crossed the wire. Header names keep their case, order and duplicates. */
export interface WireResponse {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly framing: Framing;
  readonly body: Buffer;
  readonly text: string;
}

/** The first value of a header, or undefined. */
export const headOf = (response: WireResponse, name: string): string | undefined =>
  response.headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];

type Head = Omit<WireResponse, "body" | "text" | "framing">;

const parseHead = (text: string): Head => {
  const [first = "", ...lines] = text.split("\r\n");
  const match = /^(HTTP\/1\.[01]) (\d{3})(?: (.*))?$/.exec(first);
  if (match === null) throw new Error(`not a status line: ${JSON.stringify(first.slice(0, 80))}`);
  const headers = lines.map((line) => {
    const at = line.indexOf(":");
    if (at < 1) throw new Error(`not a header line: ${JSON.stringify(line.slice(0, 80))}`);
    return [line.slice(0, at), line.slice(at + 1).replace(/^[ \t]+|[ \t]+$/g, "")] as const;
  });
  return { version: match[1] ?? "", status: Number(match[2]), reason: match[3] ?? "", headers };
};

const framingOf = (head: Head, method: string): { framing: Framing; length: number } => {
  const values = (name: string): string[] =>
    head.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  if (method === "HEAD" || head.status === 204 || head.status === 304) return { framing: "none", length: 0 };
  const lengths = values("content-length");
  const encodings = values("transfer-encoding");
  if (encodings.length > 0 && lengths.length > 0)
    throw new Error("both Content-Length and Transfer-Encoding");
  if (encodings.length > 0) return { framing: "chunked", length: 0 };
  if (lengths.length > 1) throw new Error("several Content-Length headers");
  if (lengths.length === 1) return { framing: "length", length: Number(lengths[0]) };
  return { framing: "close", length: 0 };
};

/** Collects bytes of one connection and hands out one response at a time. */
export class WireReader {
  #bytes: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;

  get isEmpty(): boolean {
    return this.#bytes.length === 0;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  push(part: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? part : Buffer.concat([this.#bytes, part]);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Reads one whole response to a request of the given method. Bytes before the request are an error. */
  async next(method: string, deadlineMs: number): Promise<WireResponse> {
    if (this.#bytes.length > 0)
      throw new Error(`stray bytes before a request: ${this.#bytes.subarray(0, 80)}`);
    return await within(this.#read(method), deadlineMs, "response");
  }

  /** Waits for a head and returns it with nothing of the body consumed; for streams such as SSE. */
  async head(): Promise<Head> {
    return parseHead((await this.#takeUntil("\r\n\r\n")).toString("latin1"));
  }

  /** Takes bytes up to and without `mark`. */
  async line(mark: string): Promise<string> {
    return (await this.#takeUntil(mark)).toString("latin1");
  }

  /** Takes exactly `count` bytes. */
  async take(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) await this.#more();
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  async #read(method: string): Promise<WireResponse> {
    let head = await this.head();
    while (head.status >= 100 && head.status < 200) head = await this.head();
    const { framing, length } = framingOf(head, method);
    const body = await this.#body(framing, length);
    return { ...head, framing, body, text: body.toString("utf8") };
  }

  async #body(framing: Framing, length: number): Promise<Buffer> {
    if (framing === "none") return Buffer.alloc(0);
    if (framing === "length") return await this.take(length);
    if (framing === "close") {
      while (!this.#ended) await this.#wait();
      return await this.take(this.#bytes.length);
    }
    const parts: Buffer[] = [];
    for (;;) {
      const part = await this.chunk();
      if (part === undefined) return Buffer.concat(parts);
      parts.push(part);
    }
  }

  /** Takes one chunk of a chunked body; undefined after the last. */
  async chunk(): Promise<Buffer | undefined> {
    const size = await this.line("\r\n");
    if (!/^[0-9a-f]+$/i.test(size)) throw new Error(`not a chunk size: ${JSON.stringify(size.slice(0, 40))}`);
    const count = Number.parseInt(size, 16);
    const part = await this.take(count);
    const end = await this.line("\r\n");
    if (end !== "") throw new Error("a chunk is longer than its size says");
    return count === 0 ? undefined : part;
  }

  async #takeUntil(mark: string): Promise<Buffer> {
    let at = this.#bytes.indexOf(mark);
    while (at < 0) {
      await this.#more();
      at = this.#bytes.indexOf(mark);
    }
    const taken = this.#bytes.subarray(0, at);
    this.#bytes = this.#bytes.subarray(at + mark.length);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#ended) throw new Error("the connection closed in the middle of a response");
    await this.#wait();
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
