// A small client of /ws/realtime: subscribes, comes back by itself, subscribes again where it left off. Runs wherever there
// is a WebSocket.

/** What happened to a record, or whatever a hook sent. */
export type Listener = (data: unknown) => void;

export interface RealtimeSocketOptions {
  /** Of Hapta, such as `https://api.example.com`. */
  readonly url: string;
  /** The token now; "" while nobody is signed in. Asked for at each connection. */
  readonly token?: () => string;
  /** Events of these topics may have been missed and are gone: read anew. */
  readonly onGap?: (topics: readonly string[]) => void;
  /** The connection is lost or closed, with the code of WebSocket. It comes back while there is a topic. */
  readonly onClose?: (code: number) => void;
}

interface Frame {
  readonly type: string;
  readonly clientId?: string;
  readonly topic?: string;
  readonly topics?: readonly string[];
  readonly data?: unknown;
  readonly offset?: string;
  readonly recovered?: Readonly<Record<string, boolean>>;
  readonly code?: string;
  readonly message?: string;
}

interface Answer {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: Error) => void;
}

/** Sooner than any proxy closes a quiet connection. */
const PING_MS = 25_000;
const PONG_MS = 10_000;
const RETRY_MS = 500;
const RETRY_MS_MAX = 30_000;

export class RealtimeSocket {
  /** Hapta's name for this connection; "" while there is none. */
  clientId = "";
  readonly #options: RealtimeSocketOptions;
  readonly #listeners = new Map<string, Set<Listener>>();
  /** Of the last event of each topic. */
  readonly #offsets = new Map<string, string>();
  #socket: WebSocket | undefined;
  /** One for each frame that was not answered yet: answers come in order. */
  #asked: Answer[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #hasBeenUp = false;
  #isUp: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(options: RealtimeSocketOptions) {
    this.#options = options;
  }

  /** Resolves when Hapta has confirmed the topic, connecting first where needed. @returns how to stop listening */
  async subscribe(topic: string, listener: Listener): Promise<() => Promise<void>> {
    const known = this.#listeners.get(topic);
    const listeners = known ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    try {
      if (this.#socket === undefined) this.#open();
      const isNew = known === undefined && this.clientId !== "";
      // A connection that is being made takes all topics with it.
      await (isNew ? this.#ask({ type: "subscribe", topics: [topic] }) : this.#isUp.promise);
    } catch (error) {
      this.#drop(topic, listener);
      throw error;
    }
    return async () => {
      if (this.#drop(topic, listener)) await this.#told(topic);
    };
  }

  /** Shows another token: after signing in or out. */
  async authenticate(): Promise<void> {
    if (this.clientId !== "") await this.#ask({ type: "auth", token: this.#options.token?.() ?? "" });
  }

  /** Ends for good. */
  close(): void {
    this.#listeners.clear();
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  /** Whether nobody listens to the topic any more. */
  #drop(topic: string, listener: Listener): boolean {
    const listeners = this.#listeners.get(topic);
    listeners?.delete(listener);
    if (listeners?.size !== 0) return false;
    this.#offsets.delete(topic);
    return this.#listeners.delete(topic);
  }

  async #told(topic: string): Promise<void> {
    if (this.#listeners.size === 0) this.close();
    else if (this.clientId !== "") await this.#ask({ type: "unsubscribe", topics: [topic] });
  }

  #open(): void {
    const socket = new WebSocket(
      `${this.#options.url.replace(/^http/, "ws").replace(/\/$/, "")}/ws/realtime`,
    );
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(String(data)) as Frame);
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
  }

  #hear(frame: Frame): void {
    this.#await(PING_MS, () => this.#ping());
    if (frame.type === "subscribed") this.#noteOffsets(frame);
    if (frame.type === "event") this.#tell(frame);
    else if (frame.type === "connected") this.#enter(frame.clientId ?? "");
    else if (frame.type === "error")
      this.#asked.shift()?.reject(new Error(`${frame.code}: ${frame.message}`));
    else this.#asked.shift()?.resolve(frame);
  }

  #tell({ topic = "", data, offset }: Frame): void {
    if (offset !== undefined) this.#offsets.set(topic, offset);
    for (const listener of this.#listeners.get(topic) ?? []) listener(data);
  }

  // The first frame of a connection; a later one says that events may have been missed.
  #enter(clientId: string): void {
    const topics = [...this.#listeners.keys()];
    if (this.clientId !== "") return this.#options.onGap?.(topics);
    this.clientId = clientId;
    const token = this.#options.token?.() ?? "";
    // A token that has ended makes a guest, as in HTTP.
    if (token !== "") this.#ask({ type: "auth", token }).catch(() => undefined);
    this.#ask({ type: "subscribe", topics, since: Object.fromEntries(this.#offsets) }).then(
      (frame) => this.#settle(topics, frame),
      (error: Error) => this.#giveUp(error),
    );
  }

  // What was missed has come just before, for the topics that Hapta could vouch for.
  #settle(topics: readonly string[], { recovered = {} }: Frame): void {
    const lost = topics.filter((topic) => recovered[topic] !== true);
    if (this.#hasBeenUp && lost.length > 0) this.#options.onGap?.(lost);
    this.#failures = 0;
    this.#hasBeenUp = true;
    this.#isUp.resolve();
  }

  #noteOffsets({ topics = [], offset, recovered = {} }: Frame): void {
    if (offset === undefined) return;
    for (const topic of topics)
      if (recovered[topic] === false || !this.#offsets.has(topic)) this.#offsets.set(topic, offset);
  }

  // Nobody is helped by asking for the same again: whoever waits is told.
  #giveUp(error: Error): void {
    this.#isUp.reject(error);
    this.#isUp = Promise.withResolvers();
  }

  #lost(code: number, reason: string): void {
    clearTimeout(this.#timer);
    this.#socket = undefined;
    this.clientId = "";
    if (this.#hasBeenUp) this.#isUp = Promise.withResolvers();
    for (const { reject } of this.#asked.splice(0)) reject(new Error("The connection was lost."));
    this.#options.onClose?.(code);
    if (this.#listeners.size === 0) return;
    const told = /^retry=(\d+)$/.exec(reason)?.[1];
    const backOffMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** this.#failures++) * (0.5 + Math.random());
    this.#await(told === undefined ? backOffMs : Number(told), () => this.#open());
  }

  #ping(): void {
    this.#ask({ type: "ping" }).catch(() => undefined);
    this.#await(PONG_MS, () => this.#socket?.close());
  }

  #await(ms: number, work: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(work, ms);
  }

  #ask(frame: unknown): Promise<Frame> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      this.#socket?.send(JSON.stringify(frame));
    });
  }
}
