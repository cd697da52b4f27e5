// Events held back while it is in question whether their listener's login still counts. Asks nobody.

/** An event to be told. */
export interface HeldEvent {
  readonly topic: string;
  readonly data: string;
}

/** Of more at a time, the listener hears of a gap. */
const HELD_MAX = 1_000;

/** One listener's. Questions are numbered from 1 on; a yes to one is a yes to all before it. */
export class HeldEvents {
  #asked = 0;
  #answered = 0;
  #held: { readonly event: HeldEvent; readonly question: number }[] = [];

  /** The number of the last question; 0 before the first. */
  get asked(): number {
    return this.#asked;
  }

  /** Whether an event has to wait now. */
  get isInQuestion(): boolean {
    return this.#answered < this.#asked;
  }

  /** What comes from now on waits for a yes to this question, or a later one. */
  ask(): void {
    this.#asked += 1;
  }

  /** Holds an event until all questions of now are answered. @returns false when there is no room. */
  hold(event: HeldEvent): boolean {
    if (this.#held.length >= HELD_MAX) return false;
    this.#held.push({ event, question: this.#asked });
    return true;
  }

  /** The answer to a question is yes. @returns what may be told now, in the order it came. */
  answer(question: number): readonly HeldEvent[] {
    this.#answered = Math.max(this.#answered, question);
    const free = this.#held.filter((one) => one.question <= this.#answered);
    this.#held = this.#held.slice(free.length);
    return free.map(({ event }) => event);
  }

  /** Forgets what it holds; the questions stay open. */
  clear(): void {
    this.#held = [];
  }
}
