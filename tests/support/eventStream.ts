// Reads a server-sent event stream from the wire with every byte kept, for tests of realtime.
import { connect } from "node:net";
import { eventually, within } from "./eventually.ts";
import { renderRequest, type WireRequest } from "./wire.ts";
import { WireReader, type WireResponse } from "./wireReader.ts";

const CONNECT_MS = 5_000;

/** An open stream; `text()` is everything received so far after the head. */
export interface EventStream extends Disposable {
  readonly status: number;
  readonly headers: WireResponse["headers"];
  readonly clientId: string;
  text(): string;
  isOpen(): boolean;
  /** Waits until the text received contains `part`. */
  contains(part: string, deadlineMs?: number): Promise<string>;
}

/** Opens a realtime stream and waits for its first event, or for its refusal. */
export const openEventStream = async (
  url: string,
  request: Partial<WireRequest> = {},
): Promise<EventStream> => {
  const { hostname, port, host } = new URL(url);
  const reader = new WireReader();
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("data", (part: Buffer) => reader.push(part));
  socket.on("close", () => reader.end());
  socket.on("error", () => reader.end());
  socket.write(renderRequest({ path: "/api/realtime", ...request }, host));
  const head = await within(reader.head(), CONNECT_MS, "stream head");
  let text = "";
  let open = true;
  const pump = async (): Promise<void> => {
    for (;;) {
      const part = await reader.chunk();
      if (part === undefined) return;
      text += part.toString("utf8");
    }
  };
  void pump()
    .catch(() => undefined) // a cut stream is a closed stream
    .then(() => {
      open = false;
    });
  const contains = async (part: string, deadlineMs = 5_000): Promise<string> => {
    await eventually(() => text.includes(part), deadlineMs).catch((cause: unknown) => {
      throw new Error(`the stream has no ${JSON.stringify(part)}; it has:\n${text}`, { cause });
    });
    return text;
  };
  if (head.status === 200) await contains("\n\n");
  const clientId = /^id:([^\n]*)\n/.exec(text)?.[1] ?? "";
  return {
    status: head.status,
    headers: head.headers,
    clientId,
    text: () => text,
    isOpen: () => open,
    contains,
    [Symbol.dispose]: () => {
      socket.destroy();
    },
  };
};
