// The versions of what answers depend on, and leases on them: whether anything an answer was made from has moved since
// its making began. Knows neither answers nor PocketBase; what a name stands for is its caller's affair.

/** One thing that answers depend on. */
export class Dependency {
  readonly name: string;
  version = 0;
  /** What moved it last, in a few words, and when (Unix ms). */
  cause = "";
  movedMs = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** The state of some dependencies at one moment. */
export class Lease {
  readonly dependencies: readonly Dependency[];
  readonly #versions: readonly number[];

  constructor(dependencies: readonly Dependency[]) {
    this.dependencies = dependencies;
    this.#versions = dependencies.map(({ version }) => version);
  }

  /** Whether nothing of it has moved. One comparison a dependency. */
  holds(): boolean {
    const { dependencies } = this;
    for (let i = 0; i < dependencies.length; i++)
      if (dependencies[i]?.version !== this.#versions[i]) return false;
    return true;
  }

  /** Whether nothing of it is known to have moved: as {@link holds}, but that something may have happened unheard. */
  holdsAsFarAsKnown(): boolean {
    return this.dependencies.every(
      ({ name, version }, i) => name === UNHEARD || version === this.#versions[i],
    );
  }

  /** The first dependency that moved; undefined while the lease holds. */
  broken(): Dependency | undefined {
    return this.dependencies.find(({ version }, i) => version !== this.#versions[i]);
  }
}

/** What a name costs: its text, a dependency, a map slot. */
const NAME_BYTES = 200;
/** So many names have room in any case. */
const NAMES_MIN = 10_000;
/** The name of what every answer depends on. */
const EVERYTHING = "*";

/** The name of what every answer depends on, and what moves when changes may go unheard. */
export const UNHEARD = "?";

/** How to build {@link Versions}: beyond `namesMax`, or what `bytesMax` has room for, the oldest names are forgotten. */
interface VersionsOptions {
  /** Leases of which nothing is forgotten as long as there is anything else. */
  readonly wanted?: () => Iterable<Lease>;
  readonly nowMs?: () => number;
  readonly bytesMax?: number;
  readonly namesMax?: number;
}

/** Versions by name. Names are bounded; a forgotten one breaks its leases. */
export class Versions {
  readonly #everything = new Dependency(EVERYTHING);
  readonly #unheard = new Dependency(UNHEARD);
  readonly #byName = new Map<string, Dependency>();
  readonly #namesMax: number;
  readonly #nowMs: () => number;
  readonly #wanted: () => Iterable<Lease>;

  constructor({ nowMs = Date.now, bytesMax = 0, namesMax, wanted = () => [] }: VersionsOptions = {}) {
    this.#wanted = wanted;
    this.#nowMs = nowMs;
    this.#namesMax = namesMax ?? Math.max(NAMES_MIN, Math.floor(bytesMax / NAME_BYTES));
  }

  /** A lease on everything that is named. */
  lease(names: Iterable<string>): Lease {
    const dependencies = [this.#everything, this.#unheard];
    for (const name of names) dependencies.push(this.#find(name));
    return new Lease(dependencies);
  }

  /** What is known of a dependency; undefined when nothing ever depended on it. */
  look(name: string): Dependency | undefined {
    if (name === EVERYTHING) return this.#everything;
    return name === UNHEARD ? this.#unheard : this.#byName.get(name);
  }

  /** Breaks every lease on what is named; `"*"` breaks all. What nobody ever asked a lease on is left alone. */
  move(names: Iterable<string>, cause: string): void {
    for (const name of names) {
      const dependency = this.look(name);
      if (dependency === undefined) continue;
      dependency.version += 1;
      dependency.cause = cause;
      dependency.movedMs = this.#nowMs();
    }
  }

  #find(name: string): Dependency {
    if (name === EVERYTHING) return this.#everything;
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    if (this.#byName.size >= this.#namesMax) this.#forget();
    const dependency = new Dependency(name);
    this.#byName.set(name, dependency);
    return dependency;
  }

  // The oldest tenth of those that are not wanted; of the others only where there are no more of these.
  #forget(): void {
    let left = Math.ceil(this.#namesMax / 10);
    const wanted = new Set<Dependency>();
    for (const { dependencies } of this.#wanted())
      for (const dependency of dependencies) wanted.add(dependency);
    for (const spared of [wanted, new Set<Dependency>()])
      for (const [name, dependency] of this.#byName) {
        if (left === 0) return;
        if (spared.has(dependency)) continue;
        this.#byName.delete(name);
        dependency.version = Number.NaN;
        left -= 1;
      }
  }
}
