// Asking PocketBase whether a session's upstream token still counts: once per session at a time, a few sessions
// at once. What to do with the answer is the caller's business.

/** What PocketBase said. `unknown`: it could not be asked; that never ends a session. */
export type ProbeAnswer =
  | { readonly kind: "alive"; readonly upstream?: { readonly token: string; readonly expMs: number } }
  | { readonly kind: "dead" }
  | { readonly kind: "unknown" };

/** What is asked: whether PocketBase still takes a token, or, in addition, whether its auth rule would renew it. */
export type ProbeDepth = "token" | "login";

/** Asks PocketBase with an upstream token; bounded by its own deadline. A rejection counts as `unknown`. */
export type Probe = (upstreamToken: string, depth: ProbeDepth) => Promise<ProbeAnswer>;

interface Flight {
  readonly promise: Promise<unknown>;
  /** PocketBase is being asked: what changes from now on may miss the answer. */
  isAsking: boolean;
  /** The one after it, for those who must not have an older answer. */
  next: Promise<unknown> | undefined;
}

/** Runs probes: single-flight per key, at most `concurrencyMax` at a time, the rest wait in order. */
export class ProbeRunner {
  readonly #concurrencyMax: number;
  readonly #flights = new Map<string, Flight>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(concurrencyMax: number) {
    this.#concurrencyMax = concurrencyMax;
  }

  /** Runs `probe` unless one for `key` is under way, which is joined then. Settles as it does. */
  run<T>(key: string, probe: () => Promise<T>): Promise<T> {
    const known = this.#flights.get(key);
    if (known !== undefined) return known.promise as Promise<T>;
    const started = this.#take()
      .then(() => {
        flight.isAsking = true;
        return probe();
      })
      .finally(() => {
        this.#flights.delete(key);
        this.#give();
      });
    const flight: Flight = { promise: started, isAsking: false, next: undefined };
    this.#flights.set(key, flight);
    return started;
  }

  /** The same, but never joins one that was already asking when this was called. */
  runAfresh<T>(key: string, probe: () => Promise<T>): Promise<T> {
    const flight = this.#flights.get(key);
    if (flight === undefined || !flight.isAsking) return this.run(key, probe);
    // How the earlier one ends does not matter to this caller.
    const again = (): Promise<T> => this.run(key, probe);
    flight.next ??= flight.promise.then(again, again);
    return flight.next as Promise<T>;
  }

  #take(): Promise<void> {
    if (this.#running < this.#concurrencyMax) {
      this.#running++;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}
