// Watches whether the upstream answers, by asking it something cheap every second. Mends nothing.
import { type Clock, systemClock } from "./clock.ts";
import { createUpstreamFetch, type UpstreamFetch } from "./upstreamFetch.ts";

/** What to watch. Times have defaults that notice an outage within five seconds. */
export type MonitorOptions = {
  /** Base address without a trailing slash. */
  readonly url: string;
  /** To it, where a guard hook asks for more; plain `fetch` when absent. */
  readonly fetch?: UpstreamFetch;
  readonly clock?: Clock;
  /** From a good probe's end to the next one's start; 1 s when absent. */
  readonly probeEveryMs?: number;
  /** The same after a failed probe; 250 ms when absent. */
  readonly retryMs?: number;
  /** For one probe; 1.5 s when absent. */
  readonly probeDeadlineMs?: number;
  /** Failures in a row that count as an outage; 2 when absent, so that one lost packet is none. */
  readonly failuresMax?: number;
};

/** Whether the upstream answers. `sinceMs` is the clock's time of the last change;
 * `reason` is said of PocketBase, as in "cannot be reached". */
export type Health =
  | { readonly isReady: true; readonly sinceMs: number }
  | { readonly isReady: false; readonly sinceMs: number; readonly reason: string };

/** A running watch. */
export type Monitor = {
  health(): Health;
  /** Takes it that the upstream has just answered somebody else. */
  noteAnswer(): void;
  /** Calls `listener` at each change until the returned function is called. It must not throw. */
  onChange(listener: (health: Health) => void): () => void;
  /** Stops; no listener is called afterwards. */
  close(): void;
};

const PROBE_EVERY_MS = 1_000;
const RETRY_MS = 250;
const PROBE_DEADLINE_MS = 1_500;
const FAILURES_MAX = 2;

/**
 * Starts watching at once; not ready until the first answer.
 *
 * Two probes fail before the state changes: with the defaults at most 1 + 1.5 + 0.25 + 1.5 = 4.25 s after
 * the last good answer. Any status below 500 counts as alive, a rate limiter's 429 too.
 */
export function createMonitor(options: MonitorOptions): Monitor {
  const clock = options.clock ?? systemClock;
  const failuresMax = options.failuresMax ?? FAILURES_MAX;
  const listeners = new Set<(health: Health) => void>();
  const closing = new AbortController();
  let health: Health = { isReady: false, sinceMs: clock.now(), reason: "was not asked yet" };
  let failures = 0;
  let callOff = (): void => undefined;

  const change = (next: Health): void => {
    health = next;
    for (const listener of [...listeners]) listener(next);
  };
  const note = (reason: string | undefined): void => {
    if (reason === undefined) {
      failures = 0;
      if (!health.isReady) change({ isReady: true, sinceMs: clock.now() });
      return;
    }
    failures += 1;
    if (health.isReady && failures >= failuresMax) change({ isReady: false, sinceMs: clock.now(), reason });
    else if (!health.isReady) health = { ...health, reason };
  };
  const probeAndRepeat = async (): Promise<void> => {
    const reason = await probe(options, clock, closing.signal);
    if (closing.signal.aborted) return;
    note(reason);
    const delayMs =
      reason === undefined ? (options.probeEveryMs ?? PROBE_EVERY_MS) : (options.retryMs ?? RETRY_MS);
    callOff = clock.after(delayMs, () => void probeAndRepeat());
  };
  void probeAndRepeat();
  return {
    health: () => health,
    noteAnswer: () => note(undefined),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      closing.abort();
      listeners.clear();
      callOff();
    },
  };
}

/** Asks once. @returns undefined when the upstream is alive, else the reason in a few words. */
async function probe(
  options: MonitorOptions,
  clock: Clock,
  closing: AbortSignal,
): Promise<string | undefined> {
  const late = new AbortController();
  const callOff = clock.after(options.probeDeadlineMs ?? PROBE_DEADLINE_MS, () => late.abort());
  try {
    const signal = AbortSignal.any([late.signal, closing]);
    // A preflight, because PocketBase logs every GET: one a second would bury the app's own log, and its
    // log writer waits for a quiet moment that would never come.
    const ask = options.fetch ?? createUpstreamFetch(options.url, undefined);
    const response = await ask("/api/health", {
      method: "OPTIONS",
      signal,
      redirect: "manual",
      keepalive: false,
    });
    await response.arrayBuffer();
    return response.status < 500 ? undefined : `answered ${response.status}`;
  } catch {
    // Which way the connection failed is of no use to anybody but in these two words.
    return late.signal.aborted ? "does not answer in time" : "cannot be reached";
  } finally {
    callOff();
  }
}
