// A collection that things enter and leave all the time, without order. A Set does the same, but in Bun its
// upkeep under such use cost more (4 us a visit) than everything else the visitors did.

/** What can be in a bag, in one at a time. */
export interface BagItem {
  /** Where it lies; the bag's to change. -1 outside. */
  bagPlace: number;
}

export class Bag<T extends BagItem> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** Adds an item that is in no bag. */
  add(item: T): void {
    item.bagPlace = this.#items.push(item) - 1;
  }

  /** Takes an item out; nothing happens when it is in no bag. */
  delete(item: T): void {
    const place = item.bagPlace;
    if (place < 0) return;
    item.bagPlace = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    // The last one fills the gap.
    this.#items[place] = last;
    last.bagPlace = place;
  }

  /** Visits every item that is in the bag now and still is when its turn comes; visits may change the bag. */
  visitAll(visit: (item: T) => void): void {
    for (const item of [...this.#items]) if (item.bagPlace >= 0) visit(item);
  }
}
