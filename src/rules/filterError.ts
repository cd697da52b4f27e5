// Why a filter, a sort or another query text is refused, and where. Renders no answers.

/** A sentence and a place. */
export interface FilterProblem {
  readonly message: string;
  /** UTF-16 offset in the text. */
  readonly position: number;
  /**
   * Whether PocketBase surely refuses the text too. False when Hapta alone gave up: the text is beyond its own
   * bounds, or names what a PocketBase extended in Go may know.
   */
  readonly isCertain: boolean;
}

/** A parsed text, or the reason why there is none. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: FilterProblem };

/** Thrown inside the parsers of this folder only; their exported functions return it as a value. */
export class FilterError extends Error {
  readonly problem: FilterProblem;

  constructor(message: string, position: number, isCertain = true) {
    super(message);
    this.problem = { message, position, isCertain };
  }
}

/** Runs a parser and turns its {@link FilterError} into a value. Other errors are bugs and pass. */
export const attempt = <T>(parse: () => T): Parsed<T> => {
  try {
    return { ok: true, value: parse() };
  } catch (error) {
    if (error instanceof FilterError) return { ok: false, problem: error.problem };
    throw error;
  }
};
