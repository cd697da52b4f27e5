// A bounded map that forgets what was not used lately, without moving anything on a hit.

/**
 * Holds the newer half and the older half of its entries; when the newer is full, the older is dropped whole.
 * A hit in the newer half is one look-up.
 */
export class RecentMap<V> {
  readonly #halfMax: number;
  readonly #onDrop: ((value: V) => void) | undefined;
  #newer = new Map<string, V>();
  #older = new Map<string, V>();

  /** @param onDrop - Told of every value that is forgotten or deleted, not of replaced ones. */
  constructor(max: number, onDrop?: (value: V) => void) {
    this.#halfMax = Math.max(1, Math.ceil(max / 2));
    this.#onDrop = onDrop;
  }

  get(key: string): V | undefined {
    const value = this.#newer.get(key);
    if (value !== undefined) return value;
    const older = this.#older.get(key);
    if (older === undefined) return undefined;
    this.#older.delete(key);
    this.set(key, older);
    return older;
  }

  set(key: string, value: V): void {
    if (this.#newer.size >= this.#halfMax && !this.#newer.has(key)) {
      const dropped = this.#older;
      this.#older = this.#newer;
      this.#newer = new Map();
      if (this.#onDrop !== undefined) for (const old of dropped.values()) this.#onDrop(old);
    }
    this.#older.delete(key);
    this.#newer.set(key, value);
  }

  delete(key: string): void {
    const value = this.#newer.get(key) ?? this.#older.get(key);
    if (value === undefined) return;
    this.#newer.delete(key);
    this.#older.delete(key);
    this.#onDrop?.(value);
  }

  /** Deletes every value the test accepts. O(n). */
  deleteWhere(test: (value: V) => boolean): void {
    for (const map of [this.#newer, this.#older]) {
      for (const [key, value] of map) {
        if (!test(value)) continue;
        map.delete(key);
        this.#onDrop?.(value);
      }
    }
  }

  get size(): number {
    return this.#newer.size + this.#older.size;
  }
}
