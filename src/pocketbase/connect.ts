// Brings Hapta and its upstream together: waits for it, runs the checks once it answers, watches it, and checks anew
// when it comes back. Never ends the process: what is wrong becomes a state that the readiness route and the log can tell.
import type { Log } from "../insight/log.ts";
import { checkUpstream } from "./checks.ts";
import { type Clock, pause, systemClock } from "./clock.ts";
import { blockingFinding, type FailedFinding, type Finding, renderFinding } from "./finding.ts";
import { createMonitor, type Health, type Monitor } from "./monitor.ts";
import type { SuperuserClient } from "./superuser.ts";

/** How to connect. Times have defaults. */
export type ConnectOptions = {
  readonly client: SuperuserClient;
  /** Set wrong settings right (`--fix-upstream`; always for the embedded PocketBase). */
  readonly fix: boolean;
  readonly log: Log;
  readonly clock?: Clock;
  /** First pause while PocketBase is away; 250 ms when absent, doubling up to 5 s. */
  readonly retryMs?: number;
  /** From a call of `recheck` to the checks, so that a restart is over and many calls are one; 5 s when absent. */
  readonly settleMs?: number;
  /** Between checks while a person has to change something; 30 s when absent. */
  readonly recheckMs?: number;
  /** Uniform in [0, 1); spreads the pauses. */
  readonly random?: () => number;
  /** Watch made by the caller, or one of our own with its defaults. */
  readonly monitor?: Monitor;
};

/**
 * Where things stand. `sinceMs` is the clock's time of the last change of `kind`.
 * - `connecting`: PocketBase has not answered yet, so the checks have still to run.
 * - `misconfigured`: it answered, but a person has to change what `reason` says.
 * - `ready`: checked, and it answers. `findings` may hold warnings.
 * - `away`: checked, but it does not answer at present, or is back and not checked again yet.
 */
export type UpstreamState =
  | { readonly kind: "connecting"; readonly sinceMs: number; readonly reason: string }
  | { readonly kind: "misconfigured"; readonly sinceMs: number; readonly reason: string }
  | { readonly kind: "ready"; readonly sinceMs: number; readonly findings: readonly Finding[] }
  | { readonly kind: "away"; readonly sinceMs: number; readonly reason: string };

/** A connection that is being kept. */
export type UpstreamWatch = {
  state(): UpstreamState;
  /** Calls `listener` at each change of `kind` until the returned function is called. It must not throw. */
  onChange(listener: (state: UpstreamState) => void): () => void;
  /** Calls `listener` with PocketBase's settings each time the checks have read them. It must not throw. */
  onSettings(listener: (settings: unknown) => void): void;
  /** Has the checks run once more, soon: PocketBase may have been exchanged without being seen away. */
  recheck(): void;
  /** Settles when the first round of checks is over: ready, misconfigured or, with PocketBase away, connecting. */
  readonly firstRound: Promise<UpstreamState>;
  close(): Promise<void>;
};

const RETRY_MS = 250;
const RETRY_MAX_MS = 5_000;
const SETTLE_MS = 5_000;
const RECHECK_MS = 30_000;
/** How long closing waits for a check under way. */
const CLOSE_MS = 500;

/** Starts connecting and returns at once; `state()` tells how it goes. */
export function connectUpstream(options: ConnectOptions): UpstreamWatch {
  return new Watch(options);
}

class Watch implements UpstreamWatch {
  readonly #options: ConnectOptions;
  readonly #clock: Clock;
  readonly #monitor: Monitor;
  readonly #listeners = new Set<(state: UpstreamState) => void>();
  readonly #settingsListeners = new Set<(settings: unknown) => void>();
  readonly #closing = new AbortController();
  readonly #first = Promise.withResolvers<UpstreamState>();
  readonly #running: Promise<void>;
  /** Aborted to check before the pause is over. */
  #wake = new AbortController();
  #callOffRecheck: (() => void) | undefined;
  #state: UpstreamState;
  /** What the log has of the last checks that PocketBase passed; undefined before it ever did. */
  #told: ReadonlySet<string> | undefined;

  constructor(options: ConnectOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#state = {
      kind: "connecting",
      sinceMs: this.#clock.now(),
      reason: "PocketBase was not asked yet.",
    };
    const { url, fetch } = options.client;
    this.#monitor = options.monitor ?? createMonitor({ url, fetch, clock: this.#clock });
    this.#monitor.onChange((health) => this.#noteHealth(health));
    this.#running = this.#run();
  }

  get firstRound(): Promise<UpstreamState> {
    return this.#first.promise;
  }

  state(): UpstreamState {
    return this.#state;
  }

  onChange(listener: (state: UpstreamState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onSettings(listener: (settings: unknown) => void): void {
    this.#settingsListeners.add(listener);
  }

  recheck(): void {
    if (this.#closing.signal.aborted) return;
    this.#callOffRecheck ??= this.#clock.after(this.#options.settleMs ?? SETTLE_MS, () => this.#wake.abort());
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#closing.abort();
    this.#callOffRecheck?.();
    this.#monitor.close();
    // A check that waits for a silent PocketBase ends by itself; nobody has to wait for it.
    await Promise.race([this.#running, pause(this.#clock, CLOSE_MS)]);
    this.#first.resolve(this.#state);
  }

  /** Checks, and again whenever that is due, until it is closed. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let waits = 0; ; ) {
      this.#callOffRecheck?.();
      this.#callOffRecheck = undefined;
      this.#wake = new AbortController();
      const findings = await checkUpstream({
        ...this.#options,
        onSettings: (read) => this.#tellSettings(read),
      });
      if (signal.aborted) return;
      const obstacle = blockingFinding(findings);
      const isWaiting = obstacle?.severity === "wait";
      if (obstacle === undefined) this.#pass(findings);
      else this.#fail(obstacle);
      this.#first.resolve(this.#state);
      await pause(this.#clock, this.#pauseMs(obstacle, waits), AbortSignal.any([this.#wake.signal, signal]));
      waits = isWaiting ? waits + 1 : 0;
    }
  }

  #pauseMs(obstacle: FailedFinding | undefined, waits: number): number | undefined {
    if (obstacle === undefined) return undefined;
    if (obstacle.severity === "wait") return retryDelayMs(this.#options, waits);
    return this.#options.recheckMs ?? RECHECK_MS;
  }

  #pass(findings: readonly Finding[]): void {
    this.#change({ kind: "ready", sinceMs: this.#clock.now(), findings });
    this.#tellFindings(findings);
    this.#monitor.noteAnswer();
  }

  #fail(obstacle: FailedFinding): void {
    const sinceMs = this.#clock.now();
    const reason = renderFinding(obstacle);
    if (obstacle.severity !== "wait") this.#change({ kind: "misconfigured", sinceMs, reason });
    else if (this.#told === undefined) this.#change({ kind: "connecting", sinceMs, reason });
    // One question without an answer is no outage; the monitor says when it is.
    else if (this.#state.kind !== "ready") this.#change({ kind: "away", sinceMs, reason });
  }

  #noteHealth(health: Health): void {
    if (this.#told === undefined) return;
    if (health.isReady) {
      // Whoever comes back may be another version, or have other settings.
      if (this.#state.kind !== "ready") this.#wake.abort();
      return;
    }
    this.#change({ kind: "away", sinceMs: this.#clock.now(), reason: `PocketBase ${health.reason}.` });
  }

  #change(next: UpstreamState): void {
    const isSameKind = next.kind === this.#state.kind;
    if (!isSameKind || reasonOf(next) !== reasonOf(this.#state)) tell(this.#options.log, next);
    this.#state = isSameKind ? { ...next, sinceMs: this.#state.sinceMs } : next;
    if (!isSameKind) for (const listener of [...this.#listeners]) listener(this.#state);
  }

  /** Each thing once: after an outage only what is new. */
  #tellFindings(findings: readonly Finding[]): void {
    const told = this.#told;
    this.#told = new Set(findings.map(renderFinding));
    for (const finding of findings) {
      const text = renderFinding(finding);
      if (told?.has(text) === true) continue;
      const fine = told === undefined ? "debug" : "info";
      this.#options.log(finding.ok ? fine : "warn", text);
    }
  }

  #tellSettings(settings: unknown): void {
    for (const listener of this.#settingsListeners) listener(settings);
  }
}

/** Doubled each time, capped, plus or minus a quarter so that many gateways do not ask in step. */
function retryDelayMs(options: ConnectOptions, waits: number): number {
  const fullMs = Math.min(RETRY_MAX_MS, (options.retryMs ?? RETRY_MS) * 2 ** Math.min(waits, 20));
  return fullMs * (0.75 + (options.random ?? Math.random)() / 2);
}

function reasonOf(state: UpstreamState): string {
  return state.kind === "ready" ? "" : state.reason;
}

function tell(log: Log, state: UpstreamState): void {
  if (state.kind === "ready") log("info", "PocketBase is ready.");
  else log(state.kind === "misconfigured" ? "error" : "warn", state.reason);
}
