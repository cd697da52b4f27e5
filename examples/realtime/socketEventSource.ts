// An EventSource that reads from /ws/realtime: with it, the unmodified SDK's realtime comes over a WebSocket, also where
// there is no EventSource at all. Subscriptions stay the SDK's own POSTs. It reconnects nothing; the SDK does.

interface Frame {
  readonly type: string;
  readonly clientId?: string;
  readonly topic?: string;
  readonly data?: unknown;
}

/** What a listener gets of a server-sent event. */
export interface SocketEvent {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}
type Listener = (event: SocketEvent) => void;

/** Without a frame for so long a question is asked, and without an answer the connection is lost. */
const QUIET_MS = 25_000;

export class SocketEventSource {
  onerror: ((event: unknown) => void) | null = null;
  readonly #socket: WebSocket;
  readonly #listeners = new Map<string, Set<Listener>>();
  #clientId = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param url - As the SDK makes it: `https://api.example.com/api/realtime`. */
  constructor(url: string | URL) {
    this.#socket = new WebSocket(String(url).replace(/^http/, "ws").replace("/api/realtime", "/ws/realtime"));
    this.#socket.onmessage = ({ data }) => this.#hear(JSON.parse(String(data)) as Frame);
    this.#socket.onclose = ({ reason }) => {
      // Hapta says when to come back, each client at another time; the SDK comes back a little after an error.
      const ms = Number(/^retry=(\d+)$/.exec(reason)?.[1] ?? 0);
      this.#in(ms, () => this.onerror?.(new Error("The connection was lost.")));
    };
  }

  addEventListener(type: string, listener: Listener): void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
  }

  removeEventListener(type: string, listener: Listener): void {
    this.#listeners.get(type)?.delete(listener);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#socket.onclose = null;
    this.#socket.onmessage = null;
    this.#socket.close();
  }

  #hear({ type, clientId, topic = "", data }: Frame): void {
    this.#in(QUIET_MS, () => this.#ask());
    if (type === "connected") {
      this.#clientId = clientId ?? "";
      this.#tell("PB_CONNECT", { clientId });
    } else if (type === "event") this.#tell(topic, data);
  }

  #tell(type: string, data: unknown): void {
    const event: SocketEvent = { type, data: JSON.stringify(data), lastEventId: this.#clientId };
    for (const listener of [...(this.#listeners.get(type) ?? [])]) listener(event);
  }

  #ask(): void {
    this.#socket.send('{"type":"ping"}');
    this.#in(QUIET_MS, () => this.#socket.close());
  }

  #in(ms: number, work: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(work, ms);
  }
}
