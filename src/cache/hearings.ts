// Whether the feed has told of a write that went through Hapta: then what it changed has moved already, and precisely.
// Holds what was told for as long as a write is under way.

/** One change as it was told. */
export interface ToldChange {
  readonly collectionId: string;
  readonly recordId: string;
  readonly action: "create" | "update" | "delete";
  readonly record: Readonly<Record<string, unknown>>;
}

/** Listens for one write, from its beginning to its end. */
export interface Hearing {
  /**
   * Whether a change that `isIt` accepts was told since the beginning, or is within the deadline. Whoever waited in vain
   * spares the next ones the wait for a while, the longer the more often in a row.
   */
  heard(isIt: (told: ToldChange) => boolean, deadlineMs: number): Promise<boolean>;
  /** Ends it. */
  end(): void;
}

/** Changes that are held for one write; of more, nothing is known. */
const TOLD_MAX = 64;
/** Writes that listen at a time. */
const LISTENERS_MAX = 1_000;
/** A deadline is waited for in so many turns: what came while the process was busy is read between them. */
const TURNS = 4;
/** After a wait in vain nobody waits for so long; twice as long after each further one, up to the second. */
const CALM_MS = 50;
const CALM_MS_MAX = 1_000;

interface Listener {
  readonly collectionId: string;
  readonly told: ToldChange[];
  onTold: (told: ToldChange) => void;
}

/** Those who listen for the feed's word. */
export class Hearings {
  readonly #listeners = new Set<Listener>();
  readonly #nowMs: () => number;
  #calmUntilMs = 0;
  #calmMs = CALM_MS;

  constructor(nowMs: () => number = performance.now.bind(performance)) {
    this.#nowMs = nowMs;
  }

  /** Starts listening for a write to a collection; undefined when too many do. */
  begin(collectionId: string): Hearing | undefined {
    if (this.#listeners.size >= LISTENERS_MAX) return undefined;
    const listener: Listener = { collectionId, told: [], onTold: () => undefined };
    this.#listeners.add(listener);
    return {
      heard: (isIt, deadlineMs) => this.#heard(listener, isIt, deadlineMs),
      end: () => void this.#listeners.delete(listener),
    };
  }

  /** Passes on what was told, after what it changed has moved. */
  tell(told: ToldChange): void {
    for (const listener of this.#listeners) {
      if (listener.collectionId !== told.collectionId) continue;
      if (listener.told.length < TOLD_MAX) listener.told.push(told);
      listener.onTold(told);
    }
  }

  #heard(listener: Listener, isIt: (told: ToldChange) => boolean, deadlineMs: number): Promise<boolean> {
    if (listener.told.some(isIt)) return Promise.resolve(true);
    if (this.#nowMs() < this.#calmUntilMs) return Promise.resolve(false);
    return new Promise((resolve) => {
      let turns = 0;
      const timer = setInterval(() => {
        turns += 1;
        if (turns === TURNS) end(false);
      }, deadlineMs / TURNS);
      const end = (isHeard: boolean): void => {
        clearInterval(timer);
        if (isHeard) this.#calmMs = CALM_MS;
        else this.#calm();
        resolve(isHeard);
      };
      listener.onTold = (told) => {
        if (isIt(told)) end(true);
      };
    });
  }

  // Those who waited together are one.
  #calm(): void {
    const nowMs = this.#nowMs();
    if (nowMs < this.#calmUntilMs) return;
    this.#calmUntilMs = nowMs + this.#calmMs;
    this.#calmMs = Math.min(2 * this.#calmMs, CALM_MS_MAX);
  }
}
