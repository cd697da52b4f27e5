// Writes on their way to PocketBase. They close nothing: what is kept is given until a write counts. But an answer that
// PocketBase makes meanwhile may show a write already: it waits for that to count, and of a slow one all that it may change
// moves before the answer is given, so that nobody who has seen the new value is given the old one afterwards.

/** What a write turned out to be: nothing was changed, or something was or may have been. */
export type WriteOutcome = "refused" | "done";

/** What became of a write: 4xx is PocketBase's word that nothing was written; without an answer nobody knows. */
export const outcomeOf = (status: number | "unsent" | undefined): WriteOutcome =>
  status === "unsent" || (status !== undefined && status >= 400 && status < 500) ? "refused" : "done";

/** A write under way. */
export interface WriteUnderway {
  /** Its last byte has gone out: only from here on it can happen. */
  whole(): void;
  /**
   * It is over; unless it was refused, what it may have changed moves. Later calls change nothing.
   * @param left - What is left of that, when some has moved already.
   */
  end(outcome: WriteOutcome, left?: readonly string[]): void;
}

/** An answer waits for a write no longer than this after the write's last byte. */
const WAIT_MS = 100;
/** Most names that are noted of one write; a larger one counts at its end like any other, and nobody waits for it. */
const NAMES_MAX = 64;

interface Noted {
  /** For which answers wait. */
  readonly awaited: readonly string[];
  /** What moves. */
  readonly names: readonly string[];
  readonly cause: string;
  readonly over: PromiseWithResolvers<void>;
  isOver: boolean;
  untilMs: number;
}

/** Writes under way, by what they may change. Of each at most 64 names are kept, for as long as it takes. */
export class WritesUnderway {
  readonly #move: (names: readonly string[], cause: string) => void;
  readonly #nowMs: () => number;
  readonly #byName = new Map<string, Set<Noted>>();

  constructor(
    move: (names: readonly string[], cause: string) => void,
    nowMs: () => number = performance.now.bind(performance),
  ) {
    this.#move = move;
    this.#nowMs = nowMs;
  }

  /** How many names something is being written to. */
  get size(): number {
    return this.#byName.size;
  }

  /**
   * A write begins.
   * @param names - What moves at its end. @param awaited - For which answers wait; empty when its extent is unknown.
   */
  begin(names: readonly string[], awaited: readonly string[], cause: string): WriteUnderway {
    const over = Promise.withResolvers<void>();
    const noted: Noted = { awaited, names, cause, over, isOver: false, untilMs: 0 };
    return {
      whole: () => {
        if (noted.isOver || awaited.length > NAMES_MAX) return;
        noted.untilMs = this.#nowMs() + WAIT_MS;
        this.#note(noted);
      },
      end: (outcome, left) => {
        if (noted.isOver) return;
        noted.isOver = true;
        if (outcome === "done") this.#move(left ?? names, cause);
        this.#forget(noted);
        over.resolve();
      },
    };
  }

  /**
   * Settles when the writes that may show in an answer of this moment count; undefined when they do already, or there are
   * none. Never rejects.
   * @param names - What the answer is made from; undefined for what is made from anything.
   */
  settled(names: Iterable<string> = this.#byName.keys()): Promise<void> | undefined {
    if (this.#byName.size === 0) return undefined;
    const shown = new Set<Noted>();
    for (const name of names) for (const noted of this.#byName.get(name) ?? []) shown.add(noted);
    const nowMs = this.#nowMs();
    const waits = [...shown].filter(({ untilMs }) => untilMs > nowMs);
    if (waits.length === 0) return this.#count(shown);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, Math.max(...waits.map(({ untilMs }) => untilMs)) - nowMs);
    const all = Promise.all(waits.map(({ over }) => over.promise));
    return Promise.race([all, late.promise]).then(() => {
      clearTimeout(timer);
      this.#count(shown);
    });
  }

  // What is still under way may show in an answer that is about to be given, and in none that was kept before.
  #count(shown: Iterable<Noted>): undefined {
    for (const { isOver, names, cause } of shown) if (!isOver) this.#move(names, cause);
  }

  #note(noted: Noted): void {
    for (const name of noted.awaited) {
      const others = this.#byName.get(name);
      if (others === undefined) this.#byName.set(name, new Set([noted]));
      else others.add(noted);
    }
  }

  #forget(noted: Noted): void {
    for (const name of noted.awaited) {
      const others = this.#byName.get(name);
      if (others?.delete(noted) === true && others.size === 0) this.#byName.delete(name);
    }
  }
}
