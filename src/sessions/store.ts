// The session store: one SQLite file, a syncing connection for what must survive a power cut and a lazy one for reading,
// rotations and telemetry. Knows rows, events and keys; judges nothing and mints nothing.
import type { Database, Statement } from "bun:sqlite";
import type { ChainCheck } from "./eventLog.ts";
import { type EventPage, type EventQuery, EventReader } from "./eventReader.ts";
import type { StoredEvent } from "./eventRow.ts";
import { type CommitPoint, GroupCommit } from "./groupCommit.ts";
import { IMPERSONATION_TABLE } from "./impersonations.ts";
import {
  type KeyRecord,
  newSigningRecord,
  newVaultRecord,
  requireFingerprint,
  rootFingerprint,
} from "./keys.ts";
import { KeyTable } from "./keyTable.ts";
import { type RootKey, SessionStartError } from "./rootKey.ts";
import { createTables, DROPPED_INDEXES, openConnection, readMarks, stopWaiting } from "./schema.ts";
import { PAGE_INDEXES, SessionPages } from "./sessionPages.ts";
import type { SessionTable } from "./sessionTable.ts";
import type { RandomSource, Times } from "./sources.ts";
import { guarded, problemOf, type StoreProblem } from "./storeUnavailable.ts";
import { type OpenTx, type StoreTx, StoreWriter } from "./storeWriter.ts";

export interface StoreOptions {
  /** The database file. */
  readonly path: string;
  readonly root: RootKey;
  readonly node: number;
  readonly times: Times;
  readonly random: RandomSource;
  /** Longest pause between two commits. */
  readonly commitPauseMaxMs: number;
  /** How long a write waits for another process. */
  readonly busyTimeoutMs: number;
  /** Events kept at most, about, and how long. */
  readonly eventsMax: number;
  readonly eventsKeptMs: number;
  /** Told once when the database cannot be written, and once when it can again. */
  readonly warn: (message: string) => void;
  readonly atPoint?: ((point: CommitPoint) => void) | undefined;
}

const SWEEP_CHUNK = 500;

/**
 * Opens or makes the database.
 *
 * @throws SessionStartError when it was made with another root key or version, or cannot be opened; nothing in it
 * has been changed then.
 */
export const openStore = (options: StoreOptions): Store => {
  const marks = readMarks(options.path);
  if (marks !== undefined) requireFingerprint(options.root, marks);
  let durable: Database | undefined;
  try {
    durable = openConnection(options.path, "durable");
    const db = durable;
    createTables(db, () => fillNew(db, options));
    db.run(PAGE_INDEXES);
    db.run(IMPERSONATION_TABLE);
    db.run(DROPPED_INDEXES);
    // Another process may have made it in between, with another key.
    const now = readMarks(options.path);
    if (now !== undefined) requireFingerprint(options.root, now);
    return new Store({ durable: db, lazy: openConnection(options.path, "lazy") }, options);
  } catch (error) {
    durable?.close();
    if (error instanceof SessionStartError) throw error;
    const problem = problemOf(error) ?? "unknown problem";
    throw new SessionStartError(`Cannot open ${options.path} (${problem}).`, { cause: error });
  }
};

const fillNew = (db: Database, { root, random, times }: StoreOptions): void => {
  const instance = Buffer.from(random(12)).toString("base64url");
  const put = db.query("INSERT INTO meta (key, value) VALUES (?, ?)");
  put.run("instance", instance);
  put.run("fingerprint", rootFingerprint(root, instance));
  const keys = new KeyTable(db);
  const made = { root, random, nowMs: times.wall() };
  keys.insert(newSigningRecord(made));
  keys.insert(newVaultRecord(made));
};

/** Reads are synchronous; writes resolve when they are committed. Both throw StoreUnavailable. */
export class Store {
  readonly #durable: Database;
  readonly #lazy: Database;
  readonly #commits: GroupCommit<OpenTx>;
  readonly #unsyncedCommits: GroupCommit<OpenTx>;
  readonly #synced: StoreWriter;
  readonly #unsynced: StoreWriter;
  readonly #pages: SessionPages;
  readonly #reader: EventReader;
  readonly #eventsKeptMs: number;
  readonly #warn: (message: string) => void;
  /** What the log has of the last write; undefined when it succeeded. */
  #problem: StoreProblem | undefined;
  /** This database's id, the `aud` of its tokens. */
  readonly instance: string;
  #checking: Promise<ChainCheck> | undefined;
  readonly #dataVersion: Statement<{ data_version: number }, []>;
  #heardVersion: number;
  #heardSeq: number;

  constructor(
    { durable, lazy }: { readonly durable: Database; readonly lazy: Database },
    options: StoreOptions,
  ) {
    this.#durable = durable;
    this.#lazy = lazy;
    const chain = { key: options.root.derive("events"), node: options.node };
    this.#synced = new StoreWriter(durable, chain);
    this.#unsynced = new StoreWriter(lazy, chain);
    this.#pages = new SessionPages(lazy);
    this.#reader = new EventReader(lazy);
    this.#eventsKeptMs = options.eventsKeptMs;
    this.#warn = options.warn;
    this.instance = readMeta(lazy, "instance") ?? "";
    this.#heardSeq = this.#unsynced.log.head().seq;
    this.#dataVersion = lazy.prepare("PRAGMA data_version");
    this.#heardVersion = this.version();
    for (const db of [durable, lazy]) stopWaiting(db);
    this.#commits = this.#queueOn(durable, this.#synced, options);
    this.#unsyncedCommits = this.#queueOn(lazy, this.#unsynced, { ...options, commitPauseMaxMs: 0 });
  }

  /** Runs a change in a transaction that is on disk when the promise resolves. */
  write<T>(change: (tx: StoreTx) => T): Promise<T> {
    return this.#commits.run(change);
  }

  /**
   * Runs a change in a transaction that the kernel has when the promise resolves: the end of this process cannot undo it,
   * a power cut may, together with everything after it. Transactions never run inside each other, so the two connections
   * of a process never wait for each other.
   */
  writeUnsynced<T>(change: (tx: StoreTx) => T): Promise<T> {
    return this.#unsyncedCommits.run(change);
  }

  /** Runs small changes that a crash may lose; false when the database is busy, to be tried again. */
  writeLazily(change: (sessions: SessionTable) => void): boolean {
    try {
      this.#lazy.transaction(() => change(this.#unsynced.sessions)).immediate();
      return true;
    } catch (error) {
      if (problemOf(error) === "busy") return false;
      throw error;
    }
  }

  /** Reads sessions. */
  read<T>(query: (sessions: SessionTable) => T): T {
    return guarded(() => query(this.#unsynced.sessions));
  }

  /** Reads sessions for operators. */
  readPages<T>(query: (pages: SessionPages) => T): T {
    return guarded(() => query(this.#pages));
  }

  /** The stored keys. */
  keyRecords(): KeyRecord[] {
    return guarded(() => new KeyTable(this.#lazy).all());
  }

  events(query: EventQuery): StoredEvent[] {
    return guarded(() => this.#reader.list(query));
  }

  searchEvents(query: EventQuery, signal?: AbortSignal): Promise<EventPage> {
    return this.#reader.search(query, signal);
  }

  /** Callers who come during a check share it. */
  checkEvents(): Promise<ChainCheck> {
    this.#checking ??= this.#unsynced.log.check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /**
   * A number that stays the same as long as nothing but this process's unsynced and lazy writes has changed what is read
   * here. Costs 2 us.
   */
  version(): number {
    return guarded(() => this.#dataVersion.get()?.data_version ?? Number.NaN);
  }

  /** What other processes have logged since the last call, oldest first. */
  news(): StoredEvent[] {
    const version = this.version();
    if (version === this.#heardVersion) return [];
    const events = guarded(() => this.#reader.since(this.#heardSeq));
    const last = events.at(-1);
    if (last !== undefined) this.#heardSeq = last.seq;
    else this.#heardVersion = version;
    return events;
  }

  /** Reads one of the database's own notes. */
  note(key: string): string | undefined {
    return guarded(() => readMeta(this.#lazy, `note.${key}`));
  }

  /** Writes one of the database's own notes; durable with the next commit. */
  async writeNote(key: string, value: string): Promise<void> {
    await this.write(() => {
      this.#durable.query("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)").run(`note.${key}`, value);
    });
  }

  /** Deletes rows whose end has come, and events that are too old, in small transactions. */
  async sweep(nowMs: number): Promise<number> {
    let deleted = 0;
    for (;;) {
      const now = await this.write(({ sessions }) => sessions.sweep(nowMs, SWEEP_CHUNK));
      deleted += now;
      if (now < SWEEP_CHUNK) break;
    }
    await this.write(({ sessions }) => sessions.sweepOnce(nowMs));
    while (await this.write(() => this.#synced.log.pruneBefore(nowMs - this.#eventsKeptMs)));
    return deleted;
  }

  /** Commits what waits and closes both connections. */
  close(): void {
    this.#commits.close();
    this.#unsyncedCommits.close();
    this.#synced.close();
    this.#unsynced.close();
    this.#dataVersion.finalize();
    this.#lazy.close(true);
    this.#durable.close(true);
  }

  #queueOn(db: Database, writer: StoreWriter, options: StoreOptions): GroupCommit<OpenTx> {
    return new GroupCommit<OpenTx>({
      db,
      begin: () => writer.open(() => options.times.wall()),
      finish: (tx) => writer.finish(tx, options.eventsMax),
      failed: (problem) => this.#tell(problem),
      committed: ({ head, before }) => {
        this.#tell(undefined);
        // Own events need not be heard; others' in between must be.
        if (this.#heardSeq === before.seq) this.#heardSeq = head.seq;
      },
      monotonic: () => options.times.monotonic(),
      pauseMaxMs: options.commitPauseMaxMs,
      busyTimeoutMs: options.busyTimeoutMs,
      atPoint: options.atPoint,
    });
  }

  #tell(problem: StoreProblem | undefined): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#warn(
      problem === undefined
        ? "The session store can be written again."
        : `The session store cannot be written (${problem}): logins, refreshes and logouts are refused until it can.`,
    );
  }
}

const readMeta = (db: Database, key: string): string | undefined =>
  db.query<{ value: string }, [string]>("SELECT value FROM meta WHERE key = ?").get(key)?.value;
