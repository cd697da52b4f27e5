// An HTTP/1.1 client that shows what really crossed the wire: header order and duplicates, framing, exact bytes.
// Not a general client: no TLS, no redirects, no decompression.
import { connect, type Socket } from "node:net";
import { eventually } from "./eventually.ts";
import { headOf, WireReader, type WireResponse } from "./wireReader.ts";

const EXCHANGE_MS = 15_000;

/** One request as it will be written. `headers` keep order, case and duplicates; Host is added when missing. */
export interface WireRequest {
  readonly method?: string;
  /** Path and query exactly as written on the request line. */
  readonly path: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array | string;
  /** Sends the body in chunks of this many bytes instead of with Content-Length. */
  readonly chunkBytes?: number;
}

const renderBody = (body: Uint8Array, chunkBytes: number | undefined): Buffer => {
  if (chunkBytes === undefined) return Buffer.from(body);
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += chunkBytes) {
    const part = body.subarray(at, at + chunkBytes);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), Buffer.from(part), Buffer.from("\r\n"));
  }
  return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
};

/** Renders the bytes of a request. */
export const renderRequest = (request: WireRequest, host: string): Buffer => {
  const headers = [...(request.headers ?? [])];
  const has = (name: string): boolean => headers.some(([key]) => key.toLowerCase() === name);
  if (!has("host")) headers.unshift(["Host", host]);
  const body = typeof request.body === "string" ? new TextEncoder().encode(request.body) : request.body;
  if (body !== undefined && request.chunkBytes !== undefined) headers.push(["Transfer-Encoding", "chunked"]);
  else if (body !== undefined && !has("content-length"))
    headers.push(["Content-Length", String(body.length)]);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = Buffer.from(`${request.method ?? "GET"} ${request.path} HTTP/1.1\r\n${lines}\r\n`, "latin1");
  return body === undefined ? head : Buffer.concat([head, renderBody(body, request.chunkBytes)]);
};

/** One kept-alive connection; requests are sent one after another, a closed connection is opened again. */
export class WireConnection implements Disposable {
  readonly #url: URL;
  readonly #localAddress: string | undefined;
  #socket: Socket | undefined;
  #reader = new WireReader();

  /** @param localAddress - Loopback address to connect from, for example `127.0.0.7`. */
  constructor(url: string, localAddress?: string) {
    this.#url = new URL(url);
    this.#localAddress = localAddress;
  }

  async send(request: WireRequest): Promise<WireResponse> {
    const wasOpen = this.#socket !== undefined;
    const method = request.method ?? "GET";
    const socket = this.#socket ?? (await this.#open());
    const bytes = renderRequest(request, this.#url.host);
    try {
      const response = this.#reader.next(method, EXCHANGE_MS);
      socket.write(bytes);
      const answer = await response;
      if (headOf(answer, "connection")?.toLowerCase() === "close" || answer.framing === "close")
        this[Symbol.dispose]();
      return answer;
    } catch (error) {
      const closedWhileIdle = wasOpen && this.#reader.isEmpty && this.#reader.hasEnded;
      this[Symbol.dispose]();
      if (closedWhileIdle) return this.send(request);
      throw new Error(`${method} ${request.path} on ${this.#url.host}: ${error}`, { cause: error });
    }
  }

  [Symbol.dispose](): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #open(): Promise<Socket> {
    const reader = new WireReader();
    const options = { host: this.#url.hostname, port: Number(this.#url.port) };
    const socket = connect(
      this.#localAddress === undefined ? options : { ...options, localAddress: this.#localAddress },
    );
    socket.setNoDelay(true);
    socket.on("data", (part: Buffer) => reader.push(part));
    socket.on("close", () => reader.end());
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    socket.on("error", () => reader.end());
    this.#reader = reader;
    this.#socket = socket;
    return socket;
  }
}

/** Sends one request over a connection of its own. */
export const exchange = async (url: string, request: WireRequest): Promise<WireResponse> => {
  using connection = new WireConnection(url);
  return await connection.send(request);
};

/** Sends raw bytes and returns everything that came back until the other side closed or `deadlineMs` passed. */
export const sendRaw = (url: string, bytes: string | Uint8Array, deadlineMs: number): Promise<Buffer> => {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes));
    let isOver = false;
    void eventually(() => isOver, deadlineMs).catch(() => socket.destroy());
    socket.on("data", (part: Buffer) => parts.push(part));
    socket.on("error", reject);
    socket.on("close", () => {
      isOver = true;
      resolve(Buffer.concat(parts));
    });
  });
};
