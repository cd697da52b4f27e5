// A process of its own that is many realtime clients: raw sockets, because memory and time of a real client library would
// be what is measured. Told what to be on its command line, talks to its parent over IPC.
import type { Socket } from "bun";
import type { Crowd } from "./fleet.ts";
import { MARK } from "./results.ts";

/** One client: where it is in its life. */
interface Client {
  readonly host: string;
  /** The end of what came before, while an event may be cut in two. */
  tail: Buffer;
  isIn: boolean;
}

/** Connections that are being opened at a time; PocketBase and Hapta have a queue of some thousands. */
const OPENING_MAX = 200;
const MARK_BYTES = Buffer.from(MARK);
/** Of a mark with its number, at most. */
const TAIL_BYTES = 64;
const NOTHING = Buffer.alloc(0);
const ENDS: ReadonlySet<number> = new Set(Buffer.from("\n}"));
const MARK_END = 0x65;

const crowd: Crowd = JSON.parse(process.argv[2] ?? "{}");
const sockets: Socket<Client>[] = [];
let heard: number[] = [];
let [subscribed, begun, lost] = [0, 0, 0];

const nowMs = (): number => performance.timeOrigin + performance.now();

const subscribe = async ({ host }: Client, clientId: string): Promise<void> => {
  const body = JSON.stringify({ clientId, subscriptions: [crowd.topic] });
  const headers = { "Content-Type": "application/json" };
  const { status } = await fetch(`http://${host}:${crowd.port}/api/realtime`, {
    method: "POST",
    headers,
    body,
  });
  if (status !== 204) throw new Error(`a subscription was answered ${status}`);
  enter();
};

const enter = (): void => {
  subscribed++;
  if (subscribed === crowd.count) process.send?.({ kind: "ready" });
  else void connect();
};

const onStreamText = (client: Client, text: string): void => {
  const id = /id:(\w{40})\n/.exec(text)?.[1];
  if (id === undefined) return;
  client.isIn = true;
  subscribe(client, id).catch(fail);
};

const onSocketText = (socket: Socket<Client>, text: string): void => {
  if (text.includes("connected"))
    socket.write(maskedFrame(`{"type":"subscribe","topics":["${crowd.topic}"]}`));
  if (!text.includes('"subscribed"')) return;
  socket.data.isIn = true;
  enter();
};

const maskedFrame = (text: string): Uint8Array => {
  const payload = Buffer.from(text);
  // A mask of zeros is a mask.
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
};

// Looks at bytes, not at text: what clients do takes time from everybody who is measured.
const onEvent = (client: Client, bytes: Buffer): void => {
  const all = client.tail.length > 0 ? Buffer.concat([client.tail, bytes]) : bytes;
  const mark = all.indexOf(MARK_BYTES);
  const at = mark + MARK_BYTES.length;
  const end = mark < 0 ? -1 : all.indexOf(MARK_END, at);
  client.tail = end < 0 && mayEndInMark(all) ? Buffer.from(all.subarray(-TAIL_BYTES)) : NOTHING;
  if (end >= 0) heard.push(nowMs() - Number(all.toString("latin1", at, end)));
};

// Whole events end with an empty line, or with the brace of a frame.
const mayEndInMark = (bytes: Buffer): boolean => !ENDS.has(bytes.at(-1) ?? 0);

const HEAD: Readonly<Record<Crowd["kind"], (host: string) => string>> = {
  sse: (host) => `GET /api/realtime HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n\r\n`,
  websocket: (host) =>
    `GET /ws/realtime HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`,
};

const connect = async (): Promise<void> => {
  if (begun >= crowd.count) return;
  // Each address of the loopback network has its own ports.
  const host = `127.0.0.${1 + (begun++ % crowd.addresses)}`;
  const data: Client = { host, tail: NOTHING, isIn: false };
  const socket = await Bun.connect<Client>({
    hostname: host,
    port: crowd.port,
    data,
    socket: {
      open: (opened) => void opened.write(HEAD[crowd.kind](`${host}:${crowd.port}`)),
      data: (from, bytes) => {
        if (from.data.isIn) return onEvent(from.data, bytes);
        const text = bytes.toString("latin1");
        if (crowd.kind === "sse") onStreamText(from.data, text);
        else onSocketText(from, text);
      },
      close: () => void lost++,
    },
  });
  sockets.push(socket);
};

const fail = (error: unknown): void => {
  process.send?.({ kind: "failed", reason: String(error) });
};

process.on("message", (message) => {
  if (message === "take") {
    process.send?.({ kind: "heard", delaysMs: heard, lost });
    heard = [];
  }
});
// Nobody is left to report to.
process.on("disconnect", () => process.exit());
for (let n = 0; n < OPENING_MAX; n++) connect().catch(fail);
