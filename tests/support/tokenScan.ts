// Reads every byte between clients and Hapta, and between Hapta and PocketBase, and says which of PocketBase's tokens a client
// was shown: answers, event streams and WebSocket frames alike. Changes nothing that passes.
import { connect, createServer, type Socket } from "node:net";

/** PocketBase signs with HMAC-SHA-256. */
const TOKEN = /eyJ[\w-]+\.eyJ[\w-]+\.([\w-]{43})/g;
/** Where one chunk of a body ends and the next begins: a token may lie across. */
const CHUNK_EDGE = /\r\n[0-9a-f]{1,8}\r\n/gi;
/** Longer than any token; one that began is looked at again with what follows. */
const TAIL = 8_192;

/** Signatures of tokens in bytes that arrive in pieces: the signature alone is what makes a token. */
class Scanner {
  readonly #found: Set<string>;
  #tail = "";

  constructor(found: Set<string>) {
    this.#found = found;
  }

  take(piece: Buffer): void {
    const text = this.#tail + piece.toString("latin1");
    for (const one of [text, text.replaceAll(CHUNK_EDGE, "")])
      for (const [, signature = ""] of one.matchAll(TOKEN)) this.#found.add(signature);
    this.#tail = text.slice(-TAIL);
  }
}

interface Directions {
  /** What clients send. */
  readonly asked: Set<string>;
  readonly answered: Set<string>;
}

interface Relay {
  readonly url: string;
  close(): Promise<void>;
}

const pass = (from: Socket, to: Socket, found: Set<string>): void => {
  const scanner = new Scanner(found);
  from.setNoDelay(true);
  from.on("data", (piece: Buffer) => {
    scanner.take(piece);
    if (!to.write(piece)) from.pause();
  });
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
  from.on("error", () => to.destroy());
  from.on("close", () => to.destroySoon());
};

const startRelay = async (target: string, { asked, answered }: Directions): Promise<Relay> => {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const origin = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    for (const socket of [client, origin]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    }
    pass(client, origin, asked);
    pass(origin, client, answered);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

export interface TokenScan {
  /** PocketBase's address for Hapta. */
  readonly upstreamUrl: string;
  /** Puts the other relay before Hapta. @returns its address, for clients. */
  before(url: string): Promise<string>;
  /** Tokens of PocketBase's that have gone by on its side. */
  issued(): number;
  /** Ends both relays. @throws when a client was shown a token that PocketBase had issued and that no client had sent. */
  close(): Promise<void>;
}

/** Starts the relay before PocketBase. */
export const startTokenScan = async (upstreamUrl: string): Promise<TokenScan> => {
  const behind: Directions = { asked: new Set(), answered: new Set() };
  const front: Directions = { asked: new Set(), answered: new Set() };
  const relays = [await startRelay(upstreamUrl, behind)];
  return {
    upstreamUrl: relays[0]?.url ?? "",
    before: async (url) => {
      const relay = await startRelay(url, front);
      relays.push(relay);
      return relay.url;
    },
    issued: () => behind.answered.size,
    close: async () => {
      for (const relay of relays) await relay.close();
      // What a client says itself may come back to it.
      const leaked = [...front.answered].filter(
        (signature) => behind.answered.has(signature) && !front.asked.has(signature),
      );
      if (leaked.length > 0) throw new Error(`${leaked.length} tokens of PocketBase's reached a client`);
    },
  };
};
