// How many things a name holds at the same time, up to a bound. The number of names is bounded by that of the things.

/** What a name holds now. */
interface Place {
  held: number;
}

/** So many names that hold nothing stay beside as many that do. */
const SPARE_NAMES = 64;

/** Counts places; whoever enters must leave. */
export class Occupancy {
  // A name that has left stays for a while: one that comes and goes all the time would have the map made anew all the time.
  readonly #places = new Map<string, Place>();
  #size = 0;

  /** Places a name holds. */
  of(name: string): number {
    return this.#places.get(name)?.held ?? 0;
  }

  enter(name: string): void {
    const place = this.#places.get(name) ?? this.#add(name);
    if (place.held++ === 0) this.#size++;
  }

  leave(name: string): void {
    const place = this.#places.get(name);
    if (place === undefined || place.held === 0) return;
    if (--place.held === 0) this.#size--;
  }

  /** Names that hold a place. */
  get size(): number {
    return this.#size;
  }

  /** Names in memory: those, and a bounded number of others. */
  get remembered(): number {
    return this.#places.size;
  }

  #add(name: string): Place {
    if (this.#places.size >= 2 * this.#size + SPARE_NAMES)
      for (const [spare, { held }] of this.#places) if (held === 0) this.#places.delete(spare);
    const place = { held: 0 };
    this.#places.set(name, place);
    return place;
  }
}
