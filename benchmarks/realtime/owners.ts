// Users who listen on streams of their own, each signed in as himself. Counts what they hear.
import type { Socket } from "bun";

/** An account. */
export interface Owner {
  readonly id: string;
  readonly email: string;
}

export interface OwnersOptions {
  /** Where they log in. */
  readonly collection: string;
  readonly password: string;
  readonly topic: string;
}

export interface Owners extends Disposable {
  readonly count: number;
  /** Events so far, of all of them. */
  readonly heard: number;
  /** Logs more of them in and subscribes them. @throws Error when one is refused, or hears nothing in a minute. */
  add(owners: readonly Owner[]): Promise<void>;
}

const HOST = "127.0.0.1";
/** Who is being added at a time. */
const AT_ONCE = 8;
const CONNECT_MS = 60_000;

/** @param port - Of a Hapta on this machine. */
export const startOwners = (port: number, { collection, password, topic }: OwnersOptions): Owners => {
  const sockets: Socket[] = [];
  const url = `http://${HOST}:${port}`;
  const event = `event:${topic}\n`;
  let heard = 0;

  const post = async (path: string, body: unknown, token = ""): Promise<string> => {
    const headers = { "Content-Type": "application/json", Authorization: token };
    const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return text;
  };

  /** Opens a stream; its client id. */
  const open = async (): Promise<string> => {
    const named = Promise.withResolvers<string>();
    const late = setTimeout(() => named.reject(new Error("a stream did not begin")), CONNECT_MS);
    let head = "";
    const socket = await Bun.connect({
      hostname: HOST,
      port,
      socket: {
        data: (_, bytes) => {
          const text = bytes.toString("latin1");
          heard += text.split(event).length - 1;
          head = head.length < 4_096 ? head + text : head;
          const id = /\nid:(\w{40})\n/.exec(head)?.[1];
          if (id !== undefined) named.resolve(id);
        },
        error: (_, error) => named.reject(error),
      },
    });
    sockets.push(socket);
    socket.write(`GET /api/realtime HTTP/1.1\r\nHost: ${HOST}\r\nAccept: text/event-stream\r\n\r\n`);
    return named.promise.finally(() => clearTimeout(late));
  };

  const join = async ({ email }: Owner): Promise<void> => {
    const answer = await post(`/api/collections/${collection}/auth-with-password`, {
      identity: email,
      password,
    });
    const { token } = JSON.parse(answer) as { readonly token: string };
    await post("/api/realtime", { clientId: await open(), subscriptions: [topic] }, token);
  };

  return {
    get count() {
      return sockets.length;
    },
    get heard() {
      return heard;
    },
    add: async (owners) => {
      const next = owners.values();
      const work = async (): Promise<void> => {
        for (const owner of next) await join(owner);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    },
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.terminate();
    },
  };
};
