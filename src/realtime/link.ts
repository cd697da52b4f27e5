// One upstream stream that lasts, with up to 1000 topics (PocketBase's bound): it is renewed before PocketBase ends it,
// without a gap, and opened again when it was lost.
import { type OpenRealtime, PROOF_TOPIC, type RealtimeStream } from "../pocketbase/realtimeStream.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import type { LinkTimes } from "./linkTimes.ts";
import { StreamProof } from "./proof.ts";
import type { Source } from "./source.ts";
import { StreamPair } from "./streamPair.ts";
import type { Subject } from "./subject.ts";
import { type Waiter, Waiters } from "./waiters.ts";

export interface LinkOptions {
  readonly open: OpenRealtime;
  /** The address PocketBase is told. */
  readonly address: string;
  readonly times: LinkTimes;
  /** As whom to subscribe when nobody waits: the credential of anybody concerned; undefined for a guest. May throw. */
  readonly credential: () => string | undefined;
  readonly onMessage: (topic: string, data: string) => void;
  /** A message of a topic was too long to be told. */
  readonly onTooLong: (topic: string) => void;
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

/** Pause after a renewal that failed; the stream in place still tells everything. */
const RENEW_AGAIN_MS = 5_000;

export class Link implements Source {
  readonly topics = new Set<string>();
  readonly #options: LinkOptions;
  readonly #waiters = new Waiters();
  readonly #streams: StreamPair;
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
    const { open, address, times, onMessage, onTooLong } = options;
    this.#streams = new StreamPair({
      open,
      address,
      times,
      onTooLong,
      onSign: () => this.#proof?.hear(),
      onMessage: (topic, data) => {
        if (topic !== PROOF_TOPIC) onMessage(topic, data);
      },
      onLost: () => {
        this.#hasLost = true;
        this.#touch();
      },
    });
  }

  get isInForce(): boolean {
    return this.#isInForce;
  }

  /** When the stream was last known to live, or asked; endless while there is none. */
  get aliveMs(): number {
    const { current, heardMs } = this.#streams;
    return current === undefined ? Number.POSITIVE_INFINITY : Math.max(heardMs, this.#provenMs);
  }

  add(topic: string): void {
    this.topics.add(topic);
  }

  ensure({ credential }: Pick<Subject, "credential">): Promise<void> {
    if (this.#isClosed) return Promise.reject(new UpstreamError("unreachable"));
    const inForce = this.#waiters.wait(credential, this.#options.times.waitMsMax);
    this.#touch();
    return inForce;
  }

  drop(topic: string): void {
    this.topics.delete(topic);
    this.#hasSpare = true;
  }

  /** Brings topics into force that somebody else told of until now: when it does, that is a gap. */
  takeOver(): void {
    this.#hasLost = true;
    this.#touch();
  }

  /** Replaces the stream, as when nobody knows any more whom PocketBase takes it for. */
  renew(): void {
    this.#renewMs = 0;
    this.tick(performance.now());
  }

  /** Asks the stream for a sign of life; one that PocketBase gives and that does not come means that it is lost. */
  prove(): void {
    const { current, isLingering } = this.#streams;
    if (current === undefined || isLingering || this.#proof !== undefined) return;
    this.#start(() => this.#prove(current));
  }

  /** Looks at the times; called every second or so. */
  tick(nowMs: number): void {
    const streams = this.#streams;
    if (streams.current === undefined || this.#isRunning || this.#isClosed) return;
    const isWanted =
      this.#renewMs === Number.POSITIVE_INFINITY ? streams.isOld(nowMs) : nowMs >= this.#renewMs;
    if (isWanted && !streams.isLingering) this.#start(() => this.#renew());
    else if (this.#hasSpare) this.#touch();
  }

  close(): void {
    this.#isClosed = true;
    this.#streams.close();
    this.#waiters.rejectAll(new UpstreamError("unreachable"));
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
        if (this.#streams.drop()) this.#hasLost = true;
        this.#waiters.rejectLate(error instanceof Error ? error : new UpstreamError("invalid"));
        const { retryMs, retryMsMax } = this.#options.times;
        const pauseMs = Math.min(retryMsMax, retryMs * 2 ** Math.min(failures++, 10));
        await Bun.sleep(pauseMs * (0.75 + Math.random() / 2));
      }
    }
  }

  async #sync(): Promise<void> {
    const stream = await this.#streams.open();
    this.#isDue = false;
    this.#hasSpare = false;
    const waiters = this.#waiters.take();
    const first = waiters[0];
    const credential = first === undefined ? this.#options.credential() : first.credential;
    try {
      const way = this.#hasLost ? "fresh" : "pooled";
      const status = await stream.subscribe([...this.topics], credential, way);
      if (this.#streams.current !== stream || status === 404) throw new UpstreamError("unreachable");
      if (status === 204) this.#settle(waiters);
      else if (first === undefined) throw new SubscribeRefused(status);
      else {
        // A credential that no longer counts is its holder's affair: the stream stays who it was.
        waiters.shift();
        first.reject(new SubscribeRefused(status));
        this.#waiters.putBack(waiters);
        this.#isDue = true;
        // Long enough for the refused topics to be taken out again.
        await Bun.sleep(0);
      }
    } catch (error) {
      this.#waiters.putBack(waiters);
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

  async #renew(): Promise<void> {
    const isDone = await this.#streams.replace(async (fresh) => {
      const status = await fresh.subscribe([...this.topics], this.#options.credential());
      if (status !== 204) throw new SubscribeRefused(status);
    });
    this.#renewMs = isDone ? Number.POSITIVE_INFINITY : performance.now() + RENEW_AGAIN_MS;
  }

  // The answer is waited for outside: topics may change meanwhile.
  async #prove(stream: RealtimeStream): Promise<void> {
    const { credential, times } = this.#options;
    this.#provenMs = performance.now();
    try {
      const status = await stream.subscribe([...this.topics, PROOF_TOPIC], credential(), "fresh");
      if (status === 404) this.#streams.lose(stream);
      if (status !== 204 || this.#streams.current !== stream) return;
    } catch {
      return; // PocketBase is down or slow, which is noticed elsewhere
    }
    const proof = new StreamProof();
    this.#proof = proof;
    void proof.run(stream, times.proveDeadlineMs).then((verdict) => {
      this.#proof = undefined;
      if (verdict === "silent") this.#streams.lose(stream);
    });
  }
}
