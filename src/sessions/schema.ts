// The session database: its tables, how a connection is set up, and its first opening. No queries of the service.
import { Database } from "bun:sqlite";
import { chmodSync, closeSync, existsSync, openSync, statSync } from "node:fs";
import { SessionStartError } from "./rootKey.ts";

const VERSION = 1;

// `id` is a hash of the session's secret name: a copy of this file names no session a token could be made for.
// sessions.ends_at: when the sweep may delete the row. subject with empty uid: a whole collection; with both
// empty: everybody. events.mac: chained, see eventLog.ts.
const TABLES = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, cid TEXT NOT NULL, uid TEXT NOT NULL, kind INTEGER NOT NULL, status INTEGER NOT NULL,
  epoch INTEGER NOT NULL, gen INTEGER NOT NULL, gen_iat INTEGER NOT NULL, gen_exp INTEGER NOT NULL,
  kid TEXT NOT NULL, confirmed_at INTEGER, trail TEXT NOT NULL, ttl INTEGER NOT NULL,
  sk_enc BLOB NOT NULL, up_enc BLOB NOT NULL, up_exp INTEGER NOT NULL, up_checked INTEGER NOT NULL,
  node INTEGER NOT NULL, created INTEGER NOT NULL, last_seen INTEGER NOT NULL, abs_exp INTEGER NOT NULL,
  ends_at INTEGER NOT NULL, auth_time INTEGER NOT NULL, amr TEXT NOT NULL, ua_label TEXT NOT NULL,
  ip_first TEXT NOT NULL, ip_last TEXT NOT NULL, jkt TEXT, app_id TEXT, revoked_at INTEGER, reason TEXT
);
CREATE INDEX sessions_subject ON sessions (cid, uid);
CREATE INDEX sessions_end ON sessions (ends_at);
CREATE TABLE subject (cid TEXT NOT NULL, uid TEXT NOT NULL, not_before INTEGER NOT NULL, PRIMARY KEY (cid, uid))
  WITHOUT ROWID;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, session TEXT, cid TEXT, uid TEXT, ip TEXT,
  label TEXT, node INTEGER NOT NULL, request TEXT, detail TEXT, mac BLOB NOT NULL
);
CREATE TABLE keys (
  kid TEXT PRIMARY KEY, use TEXT NOT NULL, state TEXT NOT NULL, material BLOB NOT NULL, created INTEGER NOT NULL,
  last_exp INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE oauth_codes (hash TEXT PRIMARY KEY, exp INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA user_version = ${VERSION};
`;

/**
 * What earlier databases have and nothing asks for any more; safe to run at every opening. An index of the events by record
 * made every refresh write a page of its own, more than all else it stores, and a search walks the log in pieces anyway.
 */
export const DROPPED_INDEXES = "DROP INDEX IF EXISTS events_subject";

/** How long opening waits for another process that is making the database, in ms. */
const OPEN_BUSY_MS = 5_000;

/** What a database says about itself before anything is written to it. */
export interface DatabaseMarks {
  readonly instance: string;
  readonly fingerprint: string;
}

/**
 * Reads the marks without changing a byte; undefined when there is no database yet or it is still empty.
 *
 * @throws SessionStartError when the file is no session database of this version.
 */
export const readMarks = (path: string): DatabaseMarks | undefined => {
  if (!existsSync(path) || statSync(path).size === 0) return undefined;
  let db: Database | undefined;
  try {
    db = new Database(path, { readonly: true });
    db.run(`PRAGMA busy_timeout = ${OPEN_BUSY_MS}`);
    const version = Number(Object.values(db.query("PRAGMA user_version").get() ?? {})[0] ?? 0);
    if (version === 0) return undefined;
    if (version !== VERSION) {
      throw new SessionStartError(
        `${path} was made by another version of Hapta; run that version or move it away.`,
      );
    }
    const meta = new Map(
      db.query<{ key: string; value: string }, []>("SELECT key, value FROM meta").all().map(toPair),
    );
    const instance = meta.get("instance");
    const fingerprint = meta.get("fingerprint");
    return instance === undefined || fingerprint === undefined ? undefined : { instance, fingerprint };
  } catch (error) {
    if (error instanceof SessionStartError) throw error;
    throw new SessionStartError(`Cannot read ${path}; check its permissions, or restore it from a backup.`, {
      cause: error,
    });
  } finally {
    db?.close();
  }
};

const toPair = ({ key, value }: { key: string; value: string }): [string, string] => [key, value];

/** How a connection's commits reach the disk: `durable` syncs each, `lazy` may lose the last ones with the machine. */
export type Durability = "durable" | "lazy";

/** Opens a connection (WAL). The file is 0600 from its first byte; a laxer mode is repaired. */
export const openConnection = (path: string, durability: Durability): Database => {
  closeSync(openSync(path, "a", 0o600));
  if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  const db = new Database(path, { readwrite: true, create: false });
  // Before journal_mode: switching to WAL takes a lock that another process may hold.
  db.run(`PRAGMA busy_timeout = ${OPEN_BUSY_MS}`);
  db.run("PRAGMA journal_mode = WAL");
  db.run(`PRAGMA synchronous = ${durability === "durable" ? "FULL" : "NORMAL"}`);
  db.run("PRAGMA journal_size_limit = 67108864");
  db.run("PRAGMA trusted_schema = OFF");
  db.run("PRAGMA cell_size_check = ON");
  return db;
};

/** After opening, nothing may block the process on another one's lock: a busy database is tried again later. */
export const stopWaiting = (db: Database): void => {
  db.run("PRAGMA busy_timeout = 0");
};

/** Makes the tables unless another process did; `fill` adds the first rows in the same transaction. */
export const createTables = (db: Database, fill: () => void): void => {
  db.run("BEGIN IMMEDIATE");
  try {
    const version = Number(Object.values(db.query("PRAGMA user_version").get() ?? {})[0] ?? 0);
    if (version === 0) {
      db.run(TABLES);
      fill();
    }
    db.run("COMMIT");
  } catch (error) {
    db.run("ROLLBACK");
    throw error;
  }
};
