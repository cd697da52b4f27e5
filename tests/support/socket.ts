// A client of /ws/realtime that remembers every frame, over the runtime's own WebSocket.
import { eventually, within } from "./eventually.ts";

export type Frame = Readonly<Record<string, unknown>>;

export interface Socket extends Disposable {
  readonly frames: readonly Frame[];
  readonly clientId: string;
  send(frame: unknown): void;
  /** Sends, and waits for the next frame that answers: `subscribed`, `pong`, `error` or `type`. */
  ask(frame: unknown, type?: string): Promise<Frame>;
  /** Waits until a frame that came after `from` passes the test. */
  frame(test: (frame: Frame) => boolean, from?: number): Promise<Frame>;
  /** Data of the events so far, in order. */
  events(): readonly unknown[];
  /** Code and reason, once it is closed. */
  readonly closed: Promise<string>;
  isOpen(): boolean;
}

export interface SocketOptions {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

const WAIT_MS = 5_000;
const ANSWERS = new Set(["subscribed", "pong", "error", "joined", "left"]);

/** Opens one and waits for its first frame. */
export const openSocket = async (url: string, { token, headers }: SocketOptions = {}): Promise<Socket> => {
  const all = { ...headers, ...(token === undefined ? {} : { Authorization: token }) };
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/realtime`, { headers: all });
  const frames: Frame[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<string>();
  socket.onmessage = ({ data }) => frames.push(JSON.parse(String(data)) as Frame);
  socket.onclose = ({ code, reason }) => resolve(`${code} ${reason}`);
  const frame: Socket["frame"] = (test, from = 0) =>
    eventually(() => frames.slice(from).find(test), WAIT_MS).catch((cause: unknown) => {
      throw new Error(`no such frame in:\n${frames.map((one) => JSON.stringify(one)).join("\n")}`, { cause });
    });
  const first = await within(
    Promise.race([frame(({ type }) => type === "connected"), closed]),
    WAIT_MS,
    "the first frame",
  );
  if (typeof first === "string") throw new Error(`closed: ${first}`);
  const send = (one: unknown): void => socket.send(typeof one === "string" ? one : JSON.stringify(one));
  return {
    frames,
    clientId: String(first["clientId"]),
    send,
    ask: (one, type) => {
      const from = frames.length;
      send(one);
      return frame(
        (other) => (type === undefined ? ANSWERS.has(String(other["type"])) : other["type"] === type),
        from,
      );
    },
    frame,
    events: () => frames.filter(({ type }) => type === "event").map(({ data }) => data),
    closed,
    isOpen: () => socket.readyState === WebSocket.OPEN,
    [Symbol.dispose]: () => socket.close(),
  };
};
