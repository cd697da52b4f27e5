// A text that must not be printed: passwords, keys, tokens. Holds it; does not encrypt it in memory.
import { inspect } from "node:util";

/** What stands in every printout in place of a secret. */
export const MASK = "***";

/**
 * Wraps a secret text so that logs, JSON, templates and inspections show `***`.
 * Only `reveal()` gives the text back, which makes every use easy to find.
 */
export class Secret {
  readonly #value: string;

  /** @param value - The secret as text; kept as it is, not trimmed. */
  constructor(value: string) {
    this.#value = value;
  }

  /** Returns the secret itself. Call it where it is sent or compared, and nowhere else. */
  reveal(): string {
    return this.#value;
  }

  /** Returns `***`. */
  toString(): string {
    return MASK;
  }

  /** Returns `***`, so that JSON never carries the secret. */
  toJSON(): string {
    return MASK;
  }

  /** Returns `***` for console.log, util.inspect and test diffs. */
  [inspect.custom](): string {
    return MASK;
  }
}

/** A text as a Secret; undefined for none. */
export const toSecret = (text: string | undefined): Secret | undefined =>
  text === undefined ? undefined : new Secret(text);
