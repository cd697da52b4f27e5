// Events that strangers can cause as often as they like: each kind has a budget, and what goes beyond it is counted
// and written as one row. A flood must neither fill the disk nor push everything else out of the log.
import type { EventType, SessionEvent } from "./eventRow.ts";

export interface EventFlowOptions {
  /** Stores an event. */
  readonly record: (event: SessionEvent) => Promise<void>;
  readonly warn: (message: string) => void;
  readonly monotonic: () => number;
}

interface Budget {
  left: number;
  atMs: number;
  skipped: number;
}

/** Events of a kind at once, and then per second. */
const BURST = 30;
const PER_SECOND = 1;
const SUMMARY_EVERY_MS = 10_000;

/** Records events without making anybody wait. */
export class EventFlow {
  readonly #options: EventFlowOptions;
  readonly #budgets = new Map<EventType, Budget>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: EventFlowOptions) {
    this.#options = options;
  }

  /** Records an event, or counts it when its kind has had enough. Never throws; a store that fails is warned about. */
  note(event: SessionEvent): void {
    if (this.#isClosed) return;
    const budget = this.#refilled(event.type);
    if (budget.left < 1) {
      budget.skipped++;
      this.#schedule();
      return;
    }
    budget.left--;
    this.#store(event);
  }

  /** Writes how many events were only counted, one row for each kind; happens by itself every ten seconds. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [type, budget] of this.#budgets) {
      if (budget.skipped === 0) continue;
      this.#store({ type, detail: `${budget.skipped} more, not recorded one by one` });
      budget.skipped = 0;
    }
  }

  /** Writes what is counted; later events are dropped. */
  close(): void {
    this.flush();
    this.#isClosed = true;
  }

  #refilled(type: EventType): Budget {
    const atMs = this.#options.monotonic();
    const known = this.#budgets.get(type);
    if (known === undefined) {
      const budget = { left: BURST, atMs, skipped: 0 };
      this.#budgets.set(type, budget);
      return budget;
    }
    known.left = Math.min(BURST, known.left + ((atMs - known.atMs) / 1000) * PER_SECOND);
    known.atMs = atMs;
    return known;
  }

  #store(event: SessionEvent): void {
    this.#options.record(event).catch((error: unknown) => {
      this.#options.warn(`An event was not stored: ${String(error)}`);
    });
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.flush(), SUMMARY_EVERY_MS);
    this.#timer.unref();
  }
}
