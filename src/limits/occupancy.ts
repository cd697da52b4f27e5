// How many things a name holds at the same time, up to a bound. The number of names is bounded by that of the things.

/** Counts places; whoever enters must leave. */
export class Occupancy {
  readonly #held = new Map<string, number>();

  /** Places a name holds. */
  of(name: string): number {
    return this.#held.get(name) ?? 0;
  }

  enter(name: string): void {
    this.#held.set(name, this.of(name) + 1);
  }

  leave(name: string): void {
    const left = this.of(name) - 1;
    if (left > 0) this.#held.set(name, left);
    else this.#held.delete(name);
  }

  /** Names that hold a place. */
  get size(): number {
    return this.#held.size;
  }
}
