// Writes that are acknowledged: whatever is asked for in one turn of the event loop shares one transaction and, on a
// connection that syncs, one disk sync. Knows nothing of what is written.
import type { Database, Statement } from "bun:sqlite";
import { guarded, problemOf, type StoreProblem, StoreUnavailable } from "./storeUnavailable.ts";

/** Where a crash is interesting; tests end the process there. */
export type CommitPoint = "begin" | "applied" | "committed";

export interface GroupCommitOptions<Tx> {
  readonly db: Database;
  /** Makes what jobs work with; called inside the transaction. */
  readonly begin: () => Tx;
  /** Called inside the transaction after the last job. */
  readonly finish: (tx: Tx) => void;
  /** Called when the transaction is committed, before any caller hears of it. */
  readonly committed: (tx: Tx) => void;
  /** Called when jobs are refused because the database cannot be written, before they hear of it. */
  readonly failed: (problem: StoreProblem) => void;
  readonly monotonic: () => number;
  /**
   * Pause after a commit that several shared: twice as long as it took, and this at most, so that syncing never fills the
   * event loop. 0 where commits do not sync.
   */
  readonly pauseMaxMs: number;
  /** How long a job waits for another process's lock. */
  readonly busyTimeoutMs: number;
  readonly atPoint?: ((point: CommitPoint) => void) | undefined;
}

interface Job<Tx> {
  readonly work: (tx: Tx) => unknown;
  readonly settle: (outcome: { readonly value: unknown } | { readonly error: unknown }) => void;
  readonly expiresMs: number;
}

interface Applied<Tx> {
  readonly tx: Tx;
  /** What the jobs returned, in their order. */
  readonly values: readonly unknown[];
}

const QUEUE_MAX = 10_000;
const BATCH_MAX = 256;
const RETRY_MS = 3;

/** A queue of transactions on one connection. */
export class GroupCommit<Tx> {
  readonly #options: GroupCommitOptions<Tx>;
  readonly #sql: ReturnType<typeof prepareAll>;
  #queue: Job<Tx>[] = [];
  #isScheduled = false;
  #isClosed = false;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  /** How many jobs the last transaction had. */
  #lastJobs = 0;

  constructor(options: GroupCommitOptions<Tx>) {
    this.#options = options;
    this.#sql = prepareAll(options.db);
  }

  /**
   * Runs `work` inside a transaction and resolves to its value once that is committed. What `work` throws rolls back
   * its own changes only and rejects this promise. It may be run twice: it changes nothing but the database.
   *
   * @throws StoreUnavailable when nothing could be stored, or too many jobs wait (10 000).
   */
  run<T>(work: (tx: Tx) => T): Promise<T> {
    if (this.#isClosed) return Promise.reject(new StoreUnavailable("closed"));
    if (this.#queue.length >= QUEUE_MAX) return Promise.reject(new StoreUnavailable("busy"));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({
        work,
        settle: (outcome) => ("error" in outcome ? reject(outcome.error) : resolve(outcome.value as T)),
        expiresMs: this.#options.monotonic() + this.#options.busyTimeoutMs,
      });
      this.#schedule(0);
    });
  }

  /** Commits what waits, now. Jobs that meet another process's lock are rejected. */
  close(): void {
    this.#isClosed = true;
    while (this.#queue.length > 0) this.#flush();
    for (const statement of Object.values(this.#sql)) statement.finalize();
  }

  #schedule(leastMs: number): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const run = (): void => {
      this.#isScheduled = false;
      this.#flush();
      if (this.#queue.length > 0) this.#schedule(RETRY_MS * (1 + Math.random()));
    };
    // Whoever comes one after the other gains nothing from waiting: there is nobody to share a sync with.
    const isAlone = this.#lastJobs <= 1 && this.#queue.length <= 1;
    const pauseMs = isAlone ? 0 : this.#pausedUntilMs - this.#options.monotonic();
    const delayMs = Math.max(leastMs, pauseMs);
    if (delayMs > 0) setTimeout(run, delayMs);
    else setImmediate(run);
  }

  #flush(): void {
    const jobs = this.#queue.splice(0, BATCH_MAX);
    if (jobs.length === 0) return;
    const { monotonic, pauseMaxMs } = this.#options;
    this.#lastJobs = jobs.length;
    const startedMs = monotonic();
    this.#commit(jobs);
    const endedMs = monotonic();
    this.#pausedUntilMs = endedMs + Math.min(pauseMaxMs, 2 * (endedMs - startedMs));
  }

  /** One transaction for all of these; when one of them fails, each gets its own, and only that one hears of it. */
  #commit(jobs: readonly Job<Tx>[]): void {
    try {
      this.#sql.begin.run();
    } catch (error) {
      this.#refuse(jobs, error);
      return;
    }
    let applied: Applied<Tx>;
    try {
      applied = this.#apply(jobs);
    } catch (error) {
      if (this.#options.db.inTransaction) this.#options.db.run("ROLLBACK");
      // A store that does not work is no job's fault.
      if (jobs.length === 1 || problemOf(error) !== undefined) this.#reject(jobs, error);
      else for (const job of jobs) this.#commit([job]);
      return;
    }
    this.#acknowledge(jobs, applied);
  }

  #apply(jobs: readonly Job<Tx>[]): Applied<Tx> {
    const { atPoint, begin, finish } = this.#options;
    atPoint?.("begin");
    const tx = guarded(begin);
    const values = jobs.map(({ work }) => work(tx));
    finish(tx);
    atPoint?.("applied");
    this.#sql.commit.run();
    return { tx, values };
  }

  #acknowledge(jobs: readonly Job<Tx>[], { tx, values }: Applied<Tx>): void {
    const { atPoint, committed } = this.#options;
    try {
      atPoint?.("committed");
      committed(tx);
    } finally {
      for (const [at, job] of jobs.entries()) job.settle({ value: values[at] });
    }
  }

  /** The transaction did not begin: jobs wait for a lock until they expire, for anything else not at all. */
  #refuse(jobs: readonly Job<Tx>[], error: unknown): void {
    const problem = problemOf(error);
    const nowMs = this.#options.monotonic();
    const waiting = problem === "busy" && !this.#isClosed ? jobs.filter((job) => job.expiresMs > nowMs) : [];
    this.#queue.unshift(...waiting);
    this.#reject(
      jobs.filter((job) => !waiting.includes(job)),
      error,
    );
  }

  #reject(jobs: readonly Job<Tx>[], error: unknown): void {
    if (jobs.length === 0) return;
    const problem = problemOf(error);
    if (problem !== undefined) this.#options.failed(problem);
    const failure = problem === undefined ? error : new StoreUnavailable(problem, error);
    for (const job of jobs) job.settle({ error: failure });
  }
}

const prepareAll = (db: Database): Record<"begin" | "commit", Statement> => ({
  begin: db.prepare("BEGIN IMMEDIATE"),
  commit: db.prepare("COMMIT"),
});
