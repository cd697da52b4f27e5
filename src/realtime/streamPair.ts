// An upstream stream and, while it is renewed, the one that takes its place: both are heard, each event once. Subscribes
// nothing and knows no topics.
import { Overlap } from "../pocketbase/overlap.ts";
import type { OpenRealtime, RealtimeStream } from "../pocketbase/realtimeStream.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import type { LinkTimes } from "./linkTimes.ts";

export interface PairOptions {
  readonly open: OpenRealtime;
  /** The address PocketBase is told. */
  readonly address: string;
  readonly times: LinkTimes;
  /** Something was heard on the stream that is not the fresh one; called before `onMessage`. */
  readonly onSign: () => void;
  /** One event, whichever stream told it first. */
  readonly onMessage: (topic: string, data: string) => void;
  /** An event of a topic, or a copy of one, was too long to be told. */
  readonly onTooLong: (topic: string) => void;
  /** The current stream is gone. Not called for what {@link StreamPair.drop} closes. */
  readonly onLost: () => void;
}

interface Current {
  /** Tells this stream from others, also before it is open. */
  readonly token: object;
  readonly stream: RealtimeStream;
  readonly bornMs: number;
  readonly ageMsMax: number;
}

/** A stream and its successor, while both are heard. */
interface Handover {
  /** The successor's. */
  readonly token: object;
  /** Undefined while it is being opened. */
  fresh: RealtimeStream | undefined;
  /** The stream that is replaced; undefined before it is. */
  old: RealtimeStream | undefined;
}

export class StreamPair {
  readonly #options: PairOptions;
  #current: Current | undefined;
  #handover: Handover | undefined;
  /** While there may be copies. */
  #overlap: Overlap | undefined;
  #heardMs = 0;
  #isClosed = false;

  constructor(options: PairOptions) {
    this.#options = options;
  }

  get current(): RealtimeStream | undefined {
    return this.#current?.stream;
  }

  /** When something was heard last, on either stream. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** Whether a replaced stream is still heard: never three at a time, an overlap is of two. */
  get isLingering(): boolean {
    return this.#handover?.old !== undefined;
  }

  /** Whether PocketBase is about to end the current stream. */
  isOld(nowMs: number): boolean {
    if (this.#current === undefined) return false;
    const { bornMs, ageMsMax } = this.#current;
    return nowMs - this.#heardMs >= this.#options.times.idleMsMax || nowMs - bornMs >= ageMsMax;
  }

  /** The current stream, opened when there is none. @throws UpstreamError */
  async open(): Promise<RealtimeStream> {
    this.#current ??= await this.#connect({});
    return this.#current.stream;
  }

  /**
   * Replaces the current stream; the old one is closed a little later.
   *
   * @param subscribe - Subscribes the new stream before the old one is let go; throws when it cannot.
   * @returns false when the old one stays; if it ends, that is noticed. Never rejects.
   */
  async replace(subscribe: (fresh: RealtimeStream) => Promise<void>): Promise<boolean> {
    const before = this.#current;
    const handover: Handover = { token: {}, fresh: undefined, old: undefined };
    this.#handover = handover;
    this.#overlap ??= new Overlap();
    this.#overlap.begin();
    const end = (stream: RealtimeStream | undefined, token: object | undefined): void => {
      stream?.close();
      if (this.#handover !== handover) return;
      this.#handover = undefined;
      if (token !== undefined) this.#overlap?.forget(token);
      this.#overlap?.end();
      this.#letGo();
    };
    let fresh: Current | undefined;
    try {
      fresh = await this.#connect(handover.token);
      handover.fresh = fresh.stream;
      await subscribe(fresh.stream);
    } catch {
      end(fresh?.stream, handover.token);
      return false;
    }
    if (this.#current !== before || before === undefined || this.#isClosed) end(fresh.stream, handover.token);
    else {
      this.#current = fresh;
      handover.old = before.stream;
      setTimeout(() => end(before.stream, before.token), this.#options.times.lingerMs).unref();
    }
    return true;
  }

  /** Takes a stream for lost, if it is the current one. */
  lose(stream: RealtimeStream): void {
    if (this.#current?.stream !== stream) return;
    stream.close();
    this.#noteEnd(this.#current.token);
  }

  /** Closes all of them. @returns whether there was a current one. */
  drop(): boolean {
    const hadCurrent = this.#current !== undefined;
    this.#current?.stream.close();
    this.#handover?.old?.close();
    this.#handover?.fresh?.close();
    [this.#current, this.#handover, this.#overlap] = [undefined, undefined, undefined];
    return hadCurrent;
  }

  /** As {@link drop}, for good. */
  close(): void {
    this.#isClosed = true;
    this.drop();
  }

  async #connect(token: object): Promise<Current> {
    const { open, address, times, onTooLong } = this.#options;
    const stream = await open(address, {
      onMessage: (topic, data) => this.#hear(token, topic, data),
      onTooLong,
      onEnd: () => this.#noteEnd(token),
    });
    if (this.#isClosed) {
      stream.close();
      throw new UpstreamError("unreachable");
    }
    const bornMs = performance.now();
    this.#heardMs = bornMs;
    // Streams that were opened together are not to be renewed together.
    return { token, stream, bornMs, ageMsMax: times.ageMsMax * (0.8 + Math.random() / 5) };
  }

  #hear(token: object, topic: string, data: string): void {
    this.#heardMs = performance.now();
    if (token !== this.#handover?.token) this.#options.onSign();
    const overlap = this.#overlap;
    if (overlap?.isFirst(token, topic, data) !== false) this.#options.onMessage(topic, data);
    if (overlap?.isFull === true && this.drop()) this.#options.onLost();
    this.#letGo();
  }

  // There are thousands of pairs, and most have nothing to tell.
  #letGo(): void {
    if (this.#overlap?.isIdle === true) this.#overlap = undefined;
  }

  #noteEnd(token: object): void {
    if (this.#current?.token !== token) return;
    this.#current = undefined;
    this.#options.onLost();
  }
}
