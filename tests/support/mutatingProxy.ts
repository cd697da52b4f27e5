// A byte-level proxy that changes answers on purpose, to prove that the comparisons notice. For tests only.
import { connect, createServer, type Socket } from "node:net";

/** One planted fault: what it does to the bytes of a whole answer, and how the comparison must name it. */
export interface Mutation {
  readonly name: string;
  readonly caughtAs: RegExp;
  readonly change: (answer: Buffer) => Buffer;
}

const edit = (answer: Buffer, change: (head: string) => string): Buffer => {
  const at = answer.indexOf("\r\n\r\n");
  if (at < 0) return answer;
  return Buffer.concat([
    Buffer.from(change(answer.subarray(0, at).toString("latin1")), "latin1"),
    answer.subarray(at),
  ]);
};

const reframe = (answer: Buffer): Buffer => {
  const at = answer.indexOf("\r\n\r\n");
  const head = answer.subarray(0, at).toString("latin1");
  const body = answer.subarray(at + 4);
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  if (length === undefined || Number(length) === 0 || Number(length) !== body.length) return answer;
  const chunked = head.replace(/^content-length: \d+$/im, "Transfer-Encoding: chunked");
  return Buffer.concat([
    Buffer.from(`${chunked}\r\n\r\n${body.length.toString(16)}\r\n`, "latin1"),
    body,
    Buffer.from("\r\n0\r\n\r\n"),
  ]);
};

const flipLast = (answer: Buffer): Buffer => {
  const at = answer.lastIndexOf('"');
  if (at <= answer.indexOf("\r\n\r\n")) return answer;
  const copy = Buffer.from(answer);
  copy[at] = 0x27;
  return copy;
};

/** The planted faults; each must be caught by the differential suite. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: "drops a header",
    caughtAs: /header vary: PocketBase \["Origin"\], Hapta undefined/,
    change: (a) => edit(a, (h) => h.replace(/^vary: .*\r\n/im, "")),
  },
  {
    name: "adds a header",
    caughtAs: /header server: PocketBase undefined, Hapta \["proxy"\]/,
    change: (a) => edit(a, (h) => `${h}\r\nServer: proxy`),
  },
  { name: "changes one byte of a body", caughtAs: /body differs at byte \d+/, change: flipLast },
  { name: "changes the framing", caughtAs: /framing: PocketBase length, Hapta chunked/, change: reframe },
  {
    name: "changes a status",
    caughtAs: /status: PocketBase 40\d, Hapta 400/,
    change: (a) => edit(a, (h) => h.replace(/^HTTP\/1.1 40[134]/, "HTTP/1.1 400")),
  },
];

/** A running proxy. */
export interface MutatingProxy extends AsyncDisposable {
  readonly url: string;
  /** Breaks every open connection, as a network fault would. */
  cut(): void;
}

const QUIET_MS = 15;

/** Starts a proxy to `upstream`; where answers are changed, they are gathered until they pause first. */
export const startMutatingProxy = async (upstream: string, mutation?: Mutation): Promise<MutatingProxy> => {
  const { hostname, port } = new URL(upstream);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const origin = connect({ host: hostname, port: Number(port) });
    for (const socket of [client, origin]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    let gathered: Buffer[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = (): void => {
      const answer = Buffer.concat(gathered);
      gathered = [];
      if (answer.length > 0) client.write(mutation?.change(answer) ?? answer);
    };
    client.on("data", (part) => origin.write(part));
    origin.on("data", (part: Buffer) => {
      gathered.push(part);
      // A stream that tells all the time never pauses.
      if (mutation === undefined) return flush();
      clearTimeout(timer);
      timer = setTimeout(flush, QUIET_MS);
    });
    origin.on("end", () => {
      clearTimeout(timer);
      flush();
      client.end();
    });
    client.on("close", () => origin.destroy());
    // Otherwise a client would wait for what nobody sends any more.
    origin.on("close", (hadError) => {
      if (hadError) client.destroy();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
