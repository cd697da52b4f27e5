// The upstream as the data plane sees it: a bounded pool of kept-alive connections behind a fair gate.
import type { Answer } from "../../http/answer.ts";
import { Bag } from "../../utils/bag.ts";
import { GUARD_HEADER } from "../../utils/headers.ts";
import type { Secret } from "../../utils/secret.ts";
import { Call, type CallOwner, type Deadlines, type Errand } from "./call.ts";
import { Connection, type Endpoint } from "./connection.ts";
import { Gate } from "./gate.ts";
import type { UpstreamRequest } from "./requestWriter.ts";
import { UpstreamError } from "./upstreamError.ts";

export interface PoolOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  readonly inFlightMax: number;
  readonly queuedMax: number;
  /** Endless answers (SSE) held open at once; they do not count as in flight. */
  readonly streamsMax: number;
  readonly queueTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly uploadBytesPerSecondMin: number;
  /** For a guard hook of PocketBase's. */
  readonly guard?: Secret | undefined;
}

/** PocketBase closes an idle stream itself after 300 s; a stream silent for longer is dead. */
const STREAM_IDLE_MS = 360_000;
/** PocketBase keeps idle connections 5 min; ours go first. */
const POOL_IDLE_MS = 60_000;
const SWEEP_MS = 100;

/** Lets the caller withdraw a request at any time. */
export interface PendingCall {
  cancel(): void;
}

/** Who wants a request answered. Exactly one of `onAnswer` and `onFailure` is called, once. */
export interface Asker {
  /** Receives what withdraws the request at the moment, for clients that go away; may be called several times. */
  onPending(pending: PendingCall): void;
  /** The head of the answer is known; a streamed body follows at the reader's pace. */
  onAnswer(answer: Answer): void;
  onFailure(error: UpstreamError): void;
}

/** One request on its way, over all its attempts. */
interface Job extends Errand {
  readonly asker: Asker;
  isGone: boolean;
  isRetried: boolean;
}

export class UpstreamPool {
  readonly #options: PoolOptions;
  readonly #endpoint: Endpoint;
  readonly #gate: Gate;
  readonly #guardLine: string;
  readonly #idle: Connection[] = [];
  readonly #calls = new Bag<Call<Job>>();
  readonly #sweeper: Timer;
  readonly #owners: { readonly request: CallOwner<Job>; readonly stream: CallOwner<Job> };
  #streams = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    const url = new URL(options.url);
    const tls = url.protocol === "https:";
    this.#endpoint = {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || (tls ? 443 : 80)),
      tls,
    };
    this.#gate = new Gate(options);
    this.#guardLine = options.guard === undefined ? "" : `${GUARD_HEADER}: ${options.guard.reveal()}\r\n`;
    const deadlines: Deadlines = {
      firstByteMs: options.firstByteTimeoutMs,
      idleMs: options.idleTimeoutMs,
      totalMs: options.totalTimeoutMs,
      uploadBytesPerSecondMin: options.uploadBytesPerSecondMin,
    };
    this.#owners = {
      request: this.#createOwner(deadlines),
      stream: this.#createOwner({
        ...deadlines,
        idleMs: STREAM_IDLE_MS,
        totalMs: Number.POSITIVE_INFINITY,
      }),
    };
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
  }

  /** `host:port` of the upstream, for the Host header. */
  get authority(): string {
    return new URL(this.#options.url).host;
  }

  /** `http://host:port` of the upstream. */
  get origin(): string {
    return new URL(this.#options.url).origin;
  }

  /** Requests, queued requests and streams right now. */
  get load(): { readonly inFlight: number; readonly queued: number; readonly streams: number } {
    return { inFlight: this.#gate.inFlight, queued: this.#gate.queued, streams: this.#streams };
  }

  /**
   * Sends a request. A GET or HEAD without body whose kept-alive connection turns out dead is sent once more on
   * a fresh one.
   */
  request(request: UpstreamRequest, asker: Asker): void {
    const sent = this.#guardLine === "" ? request : { ...request, head: request.head + this.#guardLine };
    const job: Job = { request: sent, asker, isGone: false, isRetried: false };
    if (!request.isStream && this.#gate.tryEnter()) this.#run(job, this.#idleFor(request));
    else void this.#enter(job);
  }

  /** Ends every call and closes every connection. */
  close(): void {
    clearInterval(this.#sweeper);
    this.#calls.visitAll((call) => call.cancel());
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  #createOwner(deadlines: Deadlines): CallOwner<Job> {
    return {
      deadlines,
      onAnswer: (job, answer) => job.asker.onAnswer(answer),
      onFailure: (job, error) => this.#failed(job, error),
      onEnd: (call, isReusable, isAnswered) => {
        this.#calls.delete(call);
        if (isReusable && call.errand.request.isFresh === true) call.connection.destroy();
        else if (isReusable) this.#keep(call.connection);
        // Without an answer the request may be tried again, so its place is kept until it gives up.
        if (isAnswered) this.#leave(call.errand.request);
      },
    };
  }

  async #enter(job: Job): Promise<void> {
    const { request } = job;
    job.asker.onPending({ cancel: () => (job.isGone = true) });
    if (request.isStream) {
      if (this.#streams >= this.#options.streamsMax)
        return job.asker.onFailure(new UpstreamError("overloaded"));
      this.#streams++;
    } else {
      const isIn = await this.#gate.enter(request.fairnessKey, performance.now(), (withdraw) =>
        job.asker.onPending({
          cancel: () => {
            job.isGone = true;
            withdraw();
          },
        }),
      );
      if (!isIn) return job.asker.onFailure(new UpstreamError(job.isGone ? "client_gone" : "overloaded"));
    }
    if (job.isGone) this.#giveUp(job, new UpstreamError("client_gone"));
    else this.#run(job, this.#idleFor(request));
  }

  #idleFor({ isFresh }: UpstreamRequest): Connection | undefined {
    return isFresh === true ? undefined : this.#idle.pop();
  }

  #run(job: Job, connection: Connection | undefined): void {
    if (connection === undefined) {
      void this.#connect(job);
      return;
    }
    const call = new Call(connection, job, job.request.isStream ? this.#owners.stream : this.#owners.request);
    this.#calls.add(call);
    job.asker.onPending(call);
    call.send();
  }

  async #connect(job: Job): Promise<void> {
    job.asker.onPending({ cancel: () => (job.isGone = true) });
    let connection: Connection;
    try {
      connection = await Connection.open(this.#endpoint, this.#options.connectTimeoutMs, (closed) =>
        this.#forget(closed),
      );
    } catch (cause) {
      return this.#giveUp(job, new UpstreamError("unreachable", { cause }));
    }
    if (!job.isGone) return this.#run(job, connection);
    this.#keep(connection);
    this.#giveUp(job, new UpstreamError("client_gone"));
  }

  #failed(job: Job, error: UpstreamError): void {
    const { method, body } = job.request;
    const isReplayable = !job.isRetried && body.kind === "none" && (method === "GET" || method === "HEAD");
    if (!error.isStaleConnection || !isReplayable) return this.#giveUp(job, error);
    job.isRetried = true;
    this.#run(job, undefined);
  }

  #giveUp(job: Job, error: UpstreamError): void {
    this.#leave(job.request);
    job.asker.onFailure(error);
  }

  #leave(request: UpstreamRequest): void {
    if (request.isStream) this.#streams--;
    else this.#gate.leave();
  }

  #keep(connection: Connection): void {
    connection.user = undefined;
    connection.served++;
    connection.idleSinceMs = performance.now();
    this.#idle.push(connection);
  }

  #forget(connection: Connection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #sweep(): void {
    const nowMs = performance.now();
    this.#gate.sweep(nowMs);
    this.#calls.visitAll((call) => {
      if (call.deadlineMs <= nowMs) call.expire();
    });
    while (this.#idle[0] !== undefined && nowMs - this.#idle[0].idleSinceMs > POOL_IDLE_MS) {
      this.#idle.shift()?.destroy();
    }
  }
}
