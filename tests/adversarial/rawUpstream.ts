// Upstreams made of plain TCP: one that records every byte and answers, one that misbehaves as a test says.
import { createServer, type Server, type Socket } from "node:net";

/** One request as it arrived. Header names and values are latin1, exactly as sent. */
export interface RecordedRequest {
  readonly requestLine: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  /** All bytes, head and framing included. */
  readonly raw: Buffer;
  /** Number of the TCP connection, from 0. */
  readonly connection: number;
}

/** A TCP server on a free loopback port. */
export interface RawUpstream extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Open connections. */
  readonly open: ReadonlySet<Socket>;
  /** Connections accepted so far. */
  accepted(): number;
}

/** A recording upstream; `requests` grows as they come. */
export interface RecordingUpstream extends RawUpstream {
  readonly requests: RecordedRequest[];
  /** Bytes received that do not belong to a complete request. */
  strayBytes(): number;
}

/** Starts a TCP server; `serve` is called for each connection. */
export const startRawUpstream = async (
  serve: (socket: Socket, connection: number) => void,
): Promise<RawUpstream> => {
  const open = new Set<Socket>();
  let accepted = 0;
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.end());
    serve(socket, accepted++);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the upstream has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    open,
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** Calls `answer` at the end of the first request head of each connection. */
export const startHostileUpstream = (answer: (socket: Socket, head: string) => void): Promise<RawUpstream> =>
  startRawUpstream((socket) => {
    let head = "";
    const onData = (part: Buffer): void => {
      head += part.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", onData);
      socket.on("data", () => undefined);
      answer(socket, head.slice(0, end));
    };
    socket.on("data", onData);
  });

/** What a recording upstream says to a request; the default is 200 with the body `{}`. */
export type Responder = (request: RecordedRequest) => string | Uint8Array;

const OK = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/** Starts an upstream that takes requests apart with a parser of its own and keeps every byte. */
export const startRecordingUpstream = async (respond: Responder = () => OK): Promise<RecordingUpstream> => {
  const requests: RecordedRequest[] = [];
  const pending = new Map<number, Buffer>();
  const upstream = await startRawUpstream((socket, connection) => {
    let bytes = Buffer.alloc(0);
    socket.on("data", (part: Buffer) => {
      bytes = Buffer.concat([bytes, part]);
      for (
        let taken = takeRequest(bytes, connection);
        taken !== undefined;
        taken = takeRequest(bytes, connection)
      ) {
        bytes = bytes.subarray(taken.raw.length);
        requests.push(taken);
        socket.write(respond(taken));
      }
      pending.set(connection, bytes);
    });
  });
  return {
    ...upstream,
    requests,
    strayBytes: () => [...pending.values()].reduce((sum, { length }) => sum + length, 0),
  };
};

/** All values under a name in any case. */
export const valuesOf = (request: RecordedRequest, name: string): string[] =>
  request.headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);

const takeRequest = (bytes: Buffer, connection: number): RecordedRequest | undefined => {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [requestLine = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const headers = lines.map((line) => {
    const at = line.indexOf(": ");
    if (at < 1) throw new Error(`the gateway wrote a header line that is none: ${JSON.stringify(line)}`);
    return [line.slice(0, at), line.slice(at + 2)] as const;
  });
  const values = (name: string): string[] =>
    headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  const lengths = values("content-length");
  const encodings = values("transfer-encoding");
  if (lengths.length + encodings.length > 1) throw new Error(`ambiguous framing: ${lengths} ${encodings}`);
  const from = end + 4;
  if (encodings.length === 1) {
    const chunked = takeChunks(bytes, from);
    if (chunked === undefined) return undefined;
    return { requestLine, headers, body: chunked.body, raw: bytes.subarray(0, chunked.end), connection };
  }
  const to = from + Number(lengths[0] ?? 0);
  if (bytes.length < to) return undefined;
  return { requestLine, headers, body: bytes.subarray(from, to), raw: bytes.subarray(0, to), connection };
};

const takeChunks = (bytes: Buffer, from: number): { body: Buffer; end: number } | undefined => {
  const parts: Buffer[] = [];
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const text = bytes.toString("latin1", at, lineEnd);
    if (!/^[0-9a-f]+$/.test(text)) throw new Error(`the gateway wrote a chunk size that is none: ${text}`);
    const size = Number.parseInt(text, 16);
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) return undefined;
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = end;
    if (size === 0) return { body: Buffer.concat(parts), end };
  }
};
