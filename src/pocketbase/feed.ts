// The change feed: every change of the records that PocketBase commits, whoever made it, or word that some
// may be missing. Decides nothing about caches or clients.
import type { Log } from "../insight/log.ts";
import { Listeners } from "../utils/listeners.ts";
import { spreadMs } from "../utils/spreadMs.ts";
import { type Clock, pause, systemClock } from "./clock.ts";
import type { FeedEvent } from "./feedEvent.ts";
import {
  FEED_TIMES,
  type Feed,
  type FeedListener,
  type FeedOptions,
  type FeedState,
  type FeedTimes,
} from "./feedOptions.ts";
import { backOffMs } from "./feedPauses.ts";
import { type ProbeVerdict, runFeedProbe } from "./feedProbe.ts";
import { FeedRounds } from "./feedRounds.ts";
import { FeedSets } from "./feedSets.ts";
import { type FeedStream, openFeedStream } from "./feedStream.ts";
import { FeedTrust } from "./feedTrust.ts";
import { createFeedWire, type FeedWire } from "./feedWire.ts";
import { Overlap } from "./overlap.ts";

const COLLECTIONS_MAX = 999; // PocketBase takes 1000 subscriptions, and one is for the proof

/** Starts following at once. */
export function createFeed(options: FeedOptions): Feed {
  return new ChangeFeed(options);
}

class ChangeFeed implements Feed {
  readonly #options: FeedOptions;
  readonly #clock: Clock;
  readonly #times: FeedTimes;
  readonly #log: Log;
  readonly #random: () => number;
  readonly #trust: FeedTrust;
  readonly #wire: FeedWire;
  readonly #eventListeners = new Listeners<Parameters<FeedListener>>();
  readonly #untoldListeners = new Listeners<[collectionId: string]>();
  readonly #gapListeners = new Listeners<[reason: string]>();
  readonly #closing = new AbortController();
  /** The current stream and those that linger. */
  readonly #streams = new Set<FeedStream>();
  readonly #sets = new FeedSets();
  readonly #rounds: FeedRounds;
  readonly #overlap: Overlap;
  #current: FeedStream | undefined;
  #connectedMs = Number.NEGATIVE_INFINITY;
  #problem: unknown;
  #ageMsMax = 0;
  #isUnprovableTold = false;
  #wake = (): void => undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#times = { ...FEED_TIMES, ...options.times };
    this.#log = options.log;
    this.#overlap = new Overlap(options.overlapEventsMax, () => this.#clock.now());
    this.#random = options.random ?? Math.random;
    this.#trust = new FeedTrust(this.#clock, this.#times);
    this.#wire = createFeedWire(options);
    this.#rounds = new FeedRounds(this.#clock);
    void runFeedProbe({
      client: options.client,
      clock: this.#clock,
      times: this.#times,
      closing: this.#closing.signal,
      isWanted: () => this.#current !== undefined,
      onVerdict: (verdict, askedMs) => this.#judge(verdict, askedMs),
    });
    void this.#run();
  }

  onEvent(listener: FeedListener): () => void {
    return this.#eventListeners.add(listener);
  }

  onUntold(listener: (collectionId: string) => void): () => void {
    return this.#untoldListeners.add(listener);
  }

  onGap(listener: (reason: string) => void): () => void {
    return this.#gapListeners.add(listener);
  }

  state(): FeedState {
    const current = this.#current;
    if (current === undefined) return "closed";
    if (this.#trust.ask(current)) this.#wake();
    if (current.refusals !== this.#options.client.refusals) return "doubtful";
    return this.#trust.isTrusted(current) ? "healthy" : "doubtful";
  }

  async settle(deadlineMs: number): Promise<FeedState> {
    await this.#rounds.waitWhile(() => this.state() === "doubtful", deadlineMs);
    return this.state();
  }

  covers(collectionId: string): boolean {
    return this.#current?.collectionIds.has(collectionId) ?? false;
  }

  resubscribe(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.resolve();
    const inForce = this.#sets.ask();
    this.#wake();
    return inForce;
  }

  close(): void {
    this.#closing.abort();
    this.#eventListeners.clear();
    this.#untoldListeners.clear();
    this.#gapListeners.clear();
    this.#current = undefined;
    for (const stream of this.#streams) stream.close();
    this.#wire.close();
    this.#sets.putInForce(Number.POSITIVE_INFINITY);
    this.#rounds.end();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      const current = this.#current;
      if (current !== undefined && !this.#isRotationDue(current)) {
        await this.#nap();
        continue;
      }
      if (current === undefined) await pause(this.#clock, this.#calmMs(), signal);
      this.#rounds.begin();
      const isDone = await (current === undefined ? this.#connect() : this.#rotate(current));
      this.#rounds.end();
      this.#endOverlap();
      failures = isDone ? 0 : failures + 1;
      const waitMs = isDone ? 0 : backOffMs(this.#times, this.#problem, failures);
      if (waitMs > 0) await pause(this.#clock, spreadMs(waitMs, this.#random), signal);
    }
  }

  /** Waits for something to change; a look at the times twice a second does for those. */
  #nap(): Promise<void> {
    return new Promise((resolve) => {
      const callOff = this.#clock.after(this.#times.probeEveryMs, resolve);
      this.#wake = () => {
        callOff();
        resolve();
      };
    });
  }

  #isRotationDue(current: FeedStream): boolean {
    if (this.#trust.isSilent) return false;
    const nowMs = this.#clock.now();
    if (this.#sets.isBehind || nowMs - current.bornMs >= this.#ageMsMax) return true;
    return nowMs - current.heardMs >= this.#times.idleMsMax || this.#trust.isProofDue(current);
  }

  /** After nothing, or after a stream that was lost. */
  async #connect(): Promise<boolean> {
    const opened = await this.#open();
    if (opened === undefined) return false;
    this.#adopt(opened);
    this.#log("info", "The change feed is connected.", { collections: opened.stream.collectionIds.size });
    this.#gapListeners.tell("changes are told from here on");
    return true;
  }

  /** Puts a new stream in the place of a good one: first both are subscribed, then the old one is proven to
   * have carried everything so far, and a little later it is closed. */
  async #rotate(old: FeedStream): Promise<boolean> {
    this.#overlap.begin();
    const opened = await this.#open();
    if (opened === undefined) return false;
    const proof = await old.prove();
    if (this.#closing.signal.aborted) return true;
    const isLost = this.#current !== old;
    this.#adopt(opened);
    if (isLost) this.#gapListeners.tell("changes are told from here on");
    else if (proof === "silent") this.#gapListeners.tell("the stream had gone silent");
    if (proof === "unprovable") this.#tellUnprovable();
    if (isLost || proof === "silent") old.close();
    else this.#clock.after(this.#times.lingerMs, () => old.close());
    this.#log("debug", "The change feed went over to a new stream.", { proof });
    return true;
  }

  async #open(): Promise<{ readonly stream: FeedStream; readonly set: number } | undefined> {
    const set = this.#sets.wanted;
    try {
      const stream = await openFeedStream({
        client: this.#options.client,
        open: this.#wire.open,
        clock: this.#clock,
        times: this.#times,
        collectionIds: this.#collectionIds(),
        onEvent: (event, from) => this.#hear(event, from),
        onTooLong: (collectionId) => this.#untoldListeners.tell(collectionId),
      });
      this.#streams.add(stream);
      if (this.#closing.signal.aborted) stream.close();
      void stream.ended.then((reason) => this.#noteEnd(stream, reason));
      this.#problem = undefined;
      return { stream, set };
    } catch (error) {
      const isNews = this.#problem === undefined;
      if (isNews) this.#log("warn", "The change feed cannot connect.", { reason: String(error) });
      this.#problem = error;
      return undefined;
    }
  }

  #hear(event: FeedEvent, from: FeedStream): void {
    const isCopy = !this.#overlap.isFirst(from, event.collectionId, event.text);
    this.#eventListeners.tell(event, isCopy);
    if (!this.#overlap.isFull) return;
    for (const stream of this.#streams) stream.close("too much came while streams overlapped");
  }

  #endOverlap(ended?: FeedStream): void {
    if (ended !== undefined) this.#overlap.forget(ended);
    if (this.#streams.size <= 1 && !this.#rounds.isUnderway) this.#overlap.end();
  }

  #collectionIds(): string[] {
    const ids = [...new Set(this.#options.collections())];
    if (ids.length > COLLECTIONS_MAX) {
      this.#log("warn", "The change feed follows only a part of the collections.", { most: COLLECTIONS_MAX });
    }
    return ids.slice(0, COLLECTIONS_MAX);
  }

  #adopt({ stream, set }: { readonly stream: FeedStream; readonly set: number }): void {
    if (this.#closing.signal.aborted) return;
    this.#current = stream;
    this.#connectedMs = this.#clock.now();
    // Gateways that came back together after an outage are not to renew their streams together ever after.
    this.#ageMsMax = this.#times.ageMsMax * (0.8 + this.#random() / 5);
    this.#sets.putInForce(set);
    // It may have ended before it was the current one, when that was nobody's loss.
    if (!stream.isOpen) void stream.ended.then((reason) => this.#noteEnd(stream, reason));
  }

  #noteEnd(stream: FeedStream, reason: string): void {
    this.#streams.delete(stream);
    this.#endOverlap(stream);
    if (this.#current !== stream) return;
    this.#current = undefined;
    this.#trust.hear(false);
    this.#log("warn", "The change feed was cut.", { reason });
    this.#gapListeners.tell(reason);
    this.#wake();
  }

  #judge(verdict: ProbeVerdict, askedMs: number): void {
    const current = this.#current;
    if (current === undefined) return;
    if (verdict === "refused" || current.refusals !== this.#options.client.refusals) {
      return current.close("PocketBase does not take the superuser's token any more");
    }
    // Slow to answer but still sending: the stream itself says that all is well.
    const isSilent = verdict === "silent" && current.heardMs < askedMs;
    const isNews = isSilent && !this.#trust.isSilent;
    if (isNews) this.#log("warn", "The change feed is in doubt: PocketBase is silent.");
    this.#trust.hear(isSilent);
    this.#wake();
  }

  #tellUnprovable(): void {
    if (this.#isUnprovableTold) return;
    this.#isUnprovableTold = true;
    const hint = "GET /api/oauth2-redirect does not reach it";
    this.#log("warn", "PocketBase does not let the change feed be proven.", { hint });
  }

  /** Keeps an upstream that cuts each stream at once from being asked without a pause. */
  #calmMs(): number {
    const sinceMs = this.#clock.now() - this.#connectedMs;
    return Math.max(0, spreadMs(this.#times.retryMsMax / 2, this.#random) - sinceMs);
  }
}
