// How many bytes of request bodies may be in memory at once: over all clients, and for each of them, so
// that nobody can take what the others need.

export interface BudgetLimits {
  readonly bytesMax: number;
  readonly bytesPerClientMax: number;
}

/** Bytes are taken as they arrive, never in advance: a slow sender holds what it has sent. */
export class BodyBudget {
  readonly #limits: BudgetLimits;
  readonly #byClient = new Map<string, number>();
  #taken = 0;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  /** Takes `bytes` for a client if that many are left, overall and of its share. */
  tryTake(client: string, bytes: number): boolean {
    const ofClient = (this.#byClient.get(client) ?? 0) + bytes;
    const { bytesMax, bytesPerClientMax } = this.#limits;
    if (this.#taken + bytes > bytesMax || ofClient > bytesPerClientMax) return false;
    this.#taken += bytes;
    this.#byClient.set(client, ofClient);
    return true;
  }

  give(client: string, bytes: number): void {
    this.#taken -= bytes;
    const ofClient = (this.#byClient.get(client) ?? 0) - bytes;
    if (ofClient > 0) this.#byClient.set(client, ofClient);
    else this.#byClient.delete(client);
  }
}
