// One upstream stream that lasts: it is renewed before PocketBase ends it, without a gap, and opened again when it was
// lost. Knows topics and messages, no clients.
import { type OpenRealtime, PROOF_TOPIC, type RealtimeStream } from "../pocketbase/realtimeStream.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import type { LinkTimes } from "./linkTimes.ts";
import { Overlap, type Teller } from "./overlap.ts";
import { StreamProof } from "./proof.ts";

export interface LinkOptions {
  readonly open: OpenRealtime;
  /** The address PocketBase is told. */
  readonly address: string;
  readonly times: LinkTimes;
  /** As whom to subscribe when nobody waits: the credential of anybody concerned; undefined for a guest. May throw. */
  readonly credential: () => string | undefined;
  readonly onMessage: (topic: string, data: string) => void;
  /** Messages may have been missed; called when they are told again. */
  readonly onGap: () => void;
}

/** PocketBase refused a subscription. */
export class SubscribeRefused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`PocketBase answered ${status} to a subscription.`);
    this.status = status;
  }
}

interface Waiter {
  readonly credential: string | undefined;
  readonly untilMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Current {
  /** Tells this stream from others. */
  readonly token: object;
  readonly stream: RealtimeStream;
  readonly bornMs: number;
  readonly ageMsMax: number;
}

/** Pause after a renewal that failed; the stream in place still tells everything. */
const RENEW_AGAIN_MS = 5_000;

/** At most 1000 topics, PocketBase's bound. */
export class Link {
  /** What is to be subscribed; changed by the owner, who calls {@link ensure} or {@link drop} afterwards. */
  readonly topics = new Set<string>();
  readonly #options: LinkOptions;
  #waiting: Waiter[] = [];
  #current: Current | undefined;
  /** The stream that is to replace the current one, while both are heard. */
  #fresh: object | undefined;
  #lingering: RealtimeStream | undefined;
  #overlap: Overlap | undefined;
  #heardMs = 0;
  #proof: StreamProof | undefined;
  #provenMs = 0;
  #renewMs = Number.POSITIVE_INFINITY;
  #isDue = false;
  #isInForce = false;
  #hasSpare = false;
  #isRunning = false;
  #isClosed = false;
  #hasLost = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Whether everything in `topics` is subscribed as far as is known. */
  get isInForce(): boolean {
    return this.#isInForce;
  }

  /** When the stream was last known to live, or asked; endless while there is none. */
  get aliveMs(): number {
    return this.#current === undefined ? Number.POSITIVE_INFINITY : Math.max(this.#heardMs, this.#provenMs);
  }

  /**
   * Resolves when all topics are subscribed, as the holder of this credential.
   *
   * @throws SubscribeRefused, or UpstreamError when that takes too long
   */
  ensure(credential: string | undefined): Promise<void> {
    if (this.#isClosed) return Promise.reject(new UpstreamError("unreachable"));
    return new Promise((resolve, reject) => {
      const untilMs = performance.now() + this.#options.times.waitMsMax;
      this.#waiting.push({ credential, untilMs, resolve, reject });
      this.#touch();
    });
  }

  /** Takes topics out, at PocketBase some time soon. */
  drop(topic: string): void {
    this.topics.delete(topic);
    this.#hasSpare = true;
  }

  /** Replaces the stream, as when nobody knows any more whom PocketBase takes it for. */
  renew(): void {
    this.#renewMs = 0;
    this.tick(performance.now());
  }

  /** Asks the stream for a sign of life; one that PocketBase gives and that does not come means that it is lost. */
  prove(): void {
    const current = this.#current;
    if (current === undefined || this.#lingering !== undefined || this.#proof !== undefined) return;
    this.#start(() => this.#prove(current));
  }

  /** Looks at the times; called every second or so. */
  tick(nowMs: number): void {
    const current = this.#current;
    if (current === undefined || this.#isRunning || this.#isClosed) return;
    // Never three at a time: an overlap is of two.
    if (this.#lingering !== undefined) return this.#hasSpare ? this.#touch() : undefined;
    const isIdle = nowMs - this.#heardMs >= this.#options.times.idleMsMax;
    const isOld = isIdle || nowMs - current.bornMs >= current.ageMsMax;
    if (nowMs >= this.#renewMs || (isOld && this.#renewMs === Number.POSITIVE_INFINITY))
      this.#start(() => this.#rotate(current));
    else if (this.#hasSpare) this.#touch();
  }

  close(): void {
    this.#isClosed = true;
    this.#letGo();
    for (const { reject } of this.#waiting.splice(0)) reject(new UpstreamError("unreachable"));
  }

  #touch(): void {
    this.#isDue = true;
    this.#isInForce = false;
    if (!this.#isClosed) this.#start(() => this.#run());
  }

  // One thing at a time; what came up meanwhile follows.
  #start(work: () => Promise<void>): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void work().finally(() => {
      this.#isRunning = false;
      if (this.#isDue) this.#touch();
    });
  }

  async #run(): Promise<void> {
    for (let failures = 0; this.#isDue && !this.#isClosed; ) {
      try {
        await this.#sync();
        failures = 0;
      } catch (error) {
        this.#letGo();
        this.#rejectLate(error instanceof Error ? error : new UpstreamError("invalid"));
        const { retryMs, retryMsMax } = this.#options.times;
        const pauseMs = Math.min(retryMsMax, retryMs * 2 ** Math.min(failures++, 10));
        await Bun.sleep(pauseMs * (0.75 + Math.random() / 2));
      }
    }
  }

  async #sync(): Promise<void> {
    this.#current ??= await this.#connect({});
    const current = this.#current;
    this.#isDue = false;
    this.#hasSpare = false;
    const waiters = this.#waiting.splice(0);
    const first = waiters[0];
    const credential = first === undefined ? this.#options.credential() : first.credential;
    try {
      const way = this.#hasLost ? "fresh" : "pooled";
      const status = await current.stream.subscribe([...this.topics], credential, way);
      if (this.#current !== current || status === 404) throw new UpstreamError("unreachable");
      if (status === 204) this.#settle(waiters);
      else if (first === undefined) throw new SubscribeRefused(status);
      else {
        // A credential that no longer counts is its holder's affair: the stream stays who it was.
        waiters.shift();
        first.reject(new SubscribeRefused(status));
        this.#waiting.unshift(...waiters);
        this.#isDue = true;
        // Long enough for the refused topics to be taken out again.
        await Bun.sleep(0);
      }
    } catch (error) {
      this.#waiting.unshift(...waiters);
      this.#isDue = true;
      throw error;
    }
  }

  #settle(waiters: readonly Waiter[]): void {
    this.#isInForce = !this.#isDue;
    for (const { resolve } of waiters) resolve();
    if (!this.#hasLost) return;
    this.#hasLost = false;
    this.#options.onGap();
  }

  async #connect(token: object): Promise<Current> {
    const { open, address, times } = this.#options;
    const stream = await open(address, {
      onMessage: (topic, data) => this.#hear(token === this.#fresh ? "new" : "old", topic, data),
      onEnd: () => this.#noteEnd(token),
    });
    if (this.#isClosed) stream.close();
    const bornMs = performance.now();
    this.#heardMs = bornMs;
    // Links that were opened together are not to be renewed together.
    return { token, stream, bornMs, ageMsMax: times.ageMsMax * (0.8 + Math.random() / 5) };
  }

  /** First both streams are subscribed; the old one is closed a little later. */
  async #rotate(old: Current): Promise<void> {
    const { times, credential } = this.#options;
    const [token, overlap] = [{}, new Overlap()];
    [this.#fresh, this.#overlap] = [token, overlap];
    const end = (stream: RealtimeStream | undefined): void => {
      stream?.close();
      if (this.#overlap === overlap)
        [this.#fresh, this.#overlap, this.#lingering] = [undefined, undefined, undefined];
    };
    let fresh: Current | undefined;
    try {
      fresh = await this.#connect(token);
      const status = await fresh.stream.subscribe([...this.topics], credential());
      if (status !== 204) throw new SubscribeRefused(status);
    } catch {
      // The old stream still tells everything; if it ends, that is noticed.
      this.#renewMs = performance.now() + RENEW_AGAIN_MS;
      return end(fresh?.stream);
    }
    if (this.#current !== old || this.#isClosed) return end(fresh.stream);
    this.#renewMs = Number.POSITIVE_INFINITY;
    this.#current = fresh;
    this.#lingering = old.stream;
    setTimeout(() => end(old.stream), times.lingerMs).unref();
  }

  // The answer is waited for outside: topics may change meanwhile.
  async #prove(current: Current): Promise<void> {
    const { credential, times } = this.#options;
    this.#provenMs = performance.now();
    try {
      const status = await current.stream.subscribe([...this.topics, PROOF_TOPIC], credential(), "fresh");
      if (status === 404) this.#lose(current);
      if (status !== 204 || this.#current !== current) return;
    } catch {
      return; // PocketBase is down or slow, which is noticed elsewhere
    }
    const proof = new StreamProof();
    this.#proof = proof;
    void proof.run(current.stream, times.proveDeadlineMs).then((verdict) => {
      this.#proof = undefined;
      if (verdict === "silent") this.#lose(current);
    });
  }

  #lose(current: Current): void {
    if (this.#current !== current) return;
    current.stream.close();
    this.#noteEnd(current.token);
  }

  #hear(teller: Teller, topic: string, data: string): void {
    this.#heardMs = performance.now();
    if (teller === "old") this.#proof?.hear();
    if (topic === PROOF_TOPIC) return;
    if (this.#overlap?.isFirst(teller, topic, data) === false) return;
    this.#options.onMessage(topic, data);
  }

  #noteEnd(token: object): void {
    if (this.#current?.token !== token) return;
    this.#current = undefined;
    this.#hasLost = true;
    this.#touch();
  }

  #letGo(): void {
    if (this.#current !== undefined) this.#hasLost = true;
    this.#current?.stream.close();
    this.#lingering?.close();
    this.#current = undefined;
    [this.#fresh, this.#overlap, this.#lingering] = [undefined, undefined, undefined];
  }

  #rejectLate(error: Error): void {
    const nowMs = performance.now();
    const late = this.#waiting.filter(({ untilMs }) => untilMs <= nowMs);
    this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > nowMs);
    for (const { reject } of late) reject(error);
  }
}
