// Remembers what lines of HTTP heads mean. Peers send the same few dozen lines again and again: each is read
// and judged once, then it costs one look-up. Knows nothing of what the lines say.

/** When so many are remembered the memo starts anew: a peer that never repeats itself gains and harms nothing. */
const LINES_MAX = 512;
/** Longer lines seldom repeat; in characters. */
const LINE_LENGTH_MAX = 128;

export interface LineMemoOptions<T> {
  /** Reads a line; undefined when it is not valid. Its result is shared by everybody and must not change. */
  readonly read: (line: string) => T | undefined;
  /** Whether the line may stay in memory: false for secrets. */
  readonly mayStay: (meaning: T) => boolean;
}

/** Line to meaning. */
export class LineMemo<T> {
  readonly #options: LineMemoOptions<T>;
  readonly #lines = new Map<string, T>();

  constructor(options: LineMemoOptions<T>) {
    this.#options = options;
  }

  /** What a line means; undefined when it is not valid. */
  of(line: string): T | undefined {
    return this.#lines.get(line) ?? this.#read(line);
  }

  #read(line: string): T | undefined {
    if (line.length > LINE_LENGTH_MAX) return this.#options.read(line);
    // A part of a string keeps the whole in memory: what stays must stand alone.
    const own = Buffer.from(line, "latin1").toString("latin1");
    const meaning = this.#options.read(own);
    if (meaning === undefined || !this.#options.mayStay(meaning)) return meaning;
    if (this.#lines.size >= LINES_MAX) this.#lines.clear();
    this.#lines.set(own, meaning);
    return meaning;
  }
}
