// Brings Hapta and its upstream together: waits for it, runs the checks once it answers, watches it.
// Never ends the process: what is wrong becomes a state that the readiness route and the log can tell.

import type { Log } from "../insight/log.ts";
import { checkUpstream } from "./checks.ts";
import { type Clock, pause, systemClock } from "./clock.ts";
import { blockingFinding, type Finding, renderFinding } from "./finding.ts";
import { createMonitor, type Monitor } from "./monitor.ts";
import type { SuperuserClient } from "./superuser.ts";

/** How to connect. Times have defaults. */
export type ConnectOptions = {
  readonly client: SuperuserClient;
  /** Set wrong settings right (`--fix-upstream`; always for the embedded PocketBase). */
  readonly fix: boolean;
  readonly log: Log;
  /** Told PocketBase's settings each time the checks have read them. */
  readonly onSettings?: (settings: unknown) => void;
  readonly clock?: Clock;
  /** First pause while PocketBase is away; 250 ms when absent, doubling up to 5 s. */
  readonly retryMs?: number;
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
 * - `away`: checked, but it does not answer at present.
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
  /** Settles when the first round of checks is over: ready, misconfigured or, with PocketBase away, connecting. */
  readonly firstRound: Promise<UpstreamState>;
  close(): Promise<void>;
};

const RETRY_MS = 250;
const RETRY_MAX_MS = 5_000;
const RECHECK_MS = 30_000;
/** How long closing waits for a check under way. */
const CLOSE_MS = 500;

/** Starts connecting and returns at once; `state()` tells how it goes. */
export function connectUpstream(options: ConnectOptions): UpstreamWatch {
  const clock = options.clock ?? systemClock;
  const monitor =
    options.monitor ?? createMonitor({ url: options.client.url, fetch: options.client.fetch, clock });
  const listeners = new Set<(state: UpstreamState) => void>();
  const closing = new AbortController();
  let state: UpstreamState = {
    kind: "connecting",
    sinceMs: clock.now(),
    reason: "PocketBase was not asked yet.",
  };

  const change = (next: UpstreamState): void => {
    const isSameKind = next.kind === state.kind;
    if (!isSameKind || reasonOf(next) !== reasonOf(state)) tell(options.log, next);
    state = isSameKind ? { ...next, sinceMs: state.sinceMs } : next;
    if (!isSameKind) for (const listener of [...listeners]) listener(state);
  };
  const first = Promise.withResolvers<UpstreamState>();
  const run = async (): Promise<void> => {
    const findings = await checkUntilFit({ ...options, clock }, closing.signal, (next) => {
      change(next);
      first.resolve(state);
    });
    if (findings === undefined) return;
    monitor.noteAnswer();
    const follow = (): void => change(followHealth(monitor, findings, clock));
    monitor.onChange(follow);
    follow();
    first.resolve(state);
  };
  const running = run();
  return {
    state: () => state,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    firstRound: first.promise,
    close: async () => {
      listeners.clear();
      closing.abort();
      monitor.close();
      // A check that waits for a silent PocketBase ends by itself; nobody has to wait for it.
      await Promise.race([running, pause(clock, CLOSE_MS)]);
      first.resolve(state);
    },
  };
}

/** Checks again and again until nothing blocks. @returns undefined when it was called off. */
async function checkUntilFit(
  options: ConnectOptions & { readonly clock: Clock },
  closing: AbortSignal,
  blocked: (state: UpstreamState) => void,
): Promise<readonly Finding[] | undefined> {
  for (let waits = 0; !closing.aborted; ) {
    const findings = await checkUpstream({
      client: options.client,
      fix: options.fix,
      onSettings: options.onSettings,
    });
    if (closing.aborted) return undefined;
    const obstacle = blockingFinding(findings);
    if (obstacle === undefined) return findings;
    const isWaiting = obstacle.severity === "wait";
    const kind = isWaiting ? "connecting" : "misconfigured";
    blocked({ kind, sinceMs: options.clock.now(), reason: renderFinding(obstacle) });
    const delayMs = isWaiting ? retryDelayMs(options, waits) : (options.recheckMs ?? RECHECK_MS);
    waits = isWaiting ? waits + 1 : 0;
    await pause(options.clock, delayMs, closing);
  }
  return undefined;
}

/** Doubled each time, capped, plus or minus a quarter so that many gateways do not ask in step. */
function retryDelayMs(options: ConnectOptions, waits: number): number {
  const fullMs = Math.min(RETRY_MAX_MS, (options.retryMs ?? RETRY_MS) * 2 ** Math.min(waits, 20));
  return fullMs * (0.75 + (options.random ?? Math.random)() / 2);
}

function followHealth(monitor: Monitor, findings: readonly Finding[], clock: Clock): UpstreamState {
  const health = monitor.health();
  if (health.isReady) return { kind: "ready", sinceMs: clock.now(), findings };
  return { kind: "away", sinceMs: clock.now(), reason: `PocketBase ${health.reason}.` };
}

function reasonOf(state: UpstreamState): string {
  return state.kind === "ready" ? "" : state.reason;
}

function tell(log: Log, state: UpstreamState): void {
  if (state.kind !== "ready") {
    log(state.kind === "misconfigured" ? "error" : "warn", state.reason);
    return;
  }
  log("info", "PocketBase is ready.");
  for (const finding of state.findings) log(finding.ok ? "debug" : "warn", renderFinding(finding));
}
