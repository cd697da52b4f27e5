// Counters of what was acknowledged, and when: what a read must show at least that began at some moment (law 3).

/** Values that only grow, by name. */
export class Acknowledged {
  readonly #values = new Map<string, { readonly value: number; readonly atMs: number }[]>();

  /** A write that made the value at least this was answered at that moment. */
  note(name: string, value: number, atMs: number): void {
    const values = this.#values.get(name) ?? [];
    values.push({ value, atMs });
    this.#values.set(name, values);
  }

  /** The largest value whose write was answered before `atMs`; `otherwise` when there is none. */
  before(atMs: number, name: string, otherwise: number): number {
    let largest = otherwise;
    for (const one of this.#values.get(name) ?? [])
      if (one.atMs < atMs && one.value > largest) largest = one.value;
    return largest;
  }

  /** One more of something was acknowledged. */
  count(name: string, atMs: number): void {
    this.note(name, (this.#values.get(name)?.length ?? 0) + 1, atMs);
  }
}
