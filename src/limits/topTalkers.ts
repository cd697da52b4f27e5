// Who asks the most, in a few kilobytes: the space-saving sketch (Metwally, Agrawal, El Abbadi 2005) over a fading
// count. Nobody who asks a lot is missing; who asks little may be shown too high, never too low.

/** Names followed at the same time. */
const NAMES = 256;
/** Every name's count halves this often, so that the list is about now. */
const HALF_EVERY_MS = 60_000;

/** One line of the list. Counts are of the last minutes, older ones fading. */
export interface Talker {
  readonly name: string;
  readonly requests: number;
  readonly refused: number;
}

interface Count {
  requests: number;
  refused: number;
}

export class TopTalkers {
  readonly #nowMs: () => number;
  readonly #counts = new Map<string, Count>();
  #halvedMs: number;

  /** @param nowMs - Monotonic milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#halvedMs = nowMs();
  }

  /** Notes requests of a name. */
  note(name: string, requests: number, refused: number): void {
    this.#fade();
    const found = this.#counts.get(name);
    if (found !== undefined) {
      found.requests += requests;
      found.refused += refused;
      return;
    }
    const inherited = this.#counts.size < NAMES ? 0 : this.#dropLeast();
    this.#counts.set(name, { requests: inherited + requests, refused });
  }

  /** The names that ask the most. */
  list(limit: number): Talker[] {
    this.#fade();
    return [...this.#counts]
      .map(([name, { requests, refused }]) => ({
        name,
        requests: Math.round(requests),
        refused: Math.round(refused),
      }))
      .filter(({ requests }) => requests > 0)
      .sort((a, b) => b.requests - a.requests)
      .slice(0, limit);
  }

  #dropLeast(): number {
    let least = Number.POSITIVE_INFINITY;
    let name = "";
    for (const [candidate, { requests }] of this.#counts) {
      if (requests >= least) continue;
      least = requests;
      name = candidate;
    }
    this.#counts.delete(name);
    return least;
  }

  #fade(): void {
    const nowMs = this.#nowMs();
    const halvings = Math.min(64, Math.floor((nowMs - this.#halvedMs) / HALF_EVERY_MS));
    if (halvings < 1) return;
    this.#halvedMs += halvings * HALF_EVERY_MS;
    for (const count of this.#counts.values()) {
      count.requests /= 2 ** halvings;
      count.refused /= 2 ** halvings;
    }
  }
}
