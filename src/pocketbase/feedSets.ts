// Numbers the sets of collections that the feed was asked to follow, and tells who waits for one. Holds none.

/** Sets are numbered as they are asked for; a stream follows the newest one at its opening. */
export class FeedSets {
  readonly #waiting = new Set<{ readonly set: number; readonly resolve: () => void }>();
  #wanted = 0;
  #inForce = 0;

  /** Number of the newest set. */
  get wanted(): number {
    return this.#wanted;
  }

  /** Whether a newer set was asked for than the one in force. */
  get isBehind(): boolean {
    return this.#inForce < this.#wanted;
  }

  /** Asks for a new set. @returns a promise that settles when it, or a later one, is in force. */
  ask(): Promise<void> {
    this.#wanted += 1;
    const set = this.#wanted;
    return new Promise((resolve) => this.#waiting.add({ set, resolve }));
  }

  /** Notes that a set is in force. */
  putInForce(set: number): void {
    this.#inForce = set;
    for (const waiting of [...this.#waiting]) {
      if (waiting.set > set) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}
