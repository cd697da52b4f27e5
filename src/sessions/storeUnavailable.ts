// The one error of the store that callers must expect: it cannot be read or written right now.

/** What keeps the store from working. */
export type StoreProblem = "full" | "readonly" | "busy" | "io" | "damaged" | "closed";

/** Nothing was stored. Callers answer 503 and may try again; nothing that depends on the write may leave. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
  readonly problem: StoreProblem;

  constructor(problem: StoreProblem, cause?: unknown) {
    super(`the session store is unavailable: ${problem}`, cause === undefined ? undefined : { cause });
    this.problem = problem;
  }
}

const PROBLEMS: readonly (readonly [string, StoreProblem])[] = [
  ["SQLITE_FULL", "full"],
  ["SQLITE_READONLY", "readonly"],
  ["SQLITE_BUSY", "busy"],
  ["SQLITE_LOCKED", "busy"],
  ["SQLITE_IOERR", "io"],
  ["SQLITE_CANTOPEN", "io"],
  ["SQLITE_PERM", "readonly"],
  ["SQLITE_NOMEM", "io"],
  ["SQLITE_CORRUPT", "damaged"],
  ["SQLITE_NOTADB", "damaged"],
  ["ERR_INVALID_STATE", "closed"],
];

/** The problem behind a SQLite error (primary and extended codes); undefined when the statement itself was wrong. */
export const problemOf = (error: unknown): StoreProblem | undefined => {
  if (error instanceof StoreUnavailable) return error.problem;
  const code = error instanceof Error ? Reflect.get(error, "code") : undefined;
  if (typeof code !== "string") return undefined;
  return PROBLEMS.find(([prefix]) => code.startsWith(prefix))?.[1];
};

/** Runs a statement; a store that does not work becomes {@link StoreUnavailable}, other errors pass. */
export const guarded = <T>(run: () => T): T => {
  try {
    return run();
  } catch (error) {
    const problem = problemOf(error);
    throw problem === undefined ? error : new StoreUnavailable(problem, error);
  }
};
