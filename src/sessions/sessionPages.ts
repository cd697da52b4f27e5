// Reads sessions for operators: the newest first, a page at a time however many there are, and by the key that signed
// their token. Changes nothing.
import type { Database } from "bun:sqlite";
import { type RawRow, toSessionRow } from "./sessionRow.ts";
import { LIVE_SQL, NOT_COVERED_SQL, type SessionSummary, SUMMARY_SQL } from "./sessionTable.ts";

/** Where a page ended: creation time of its last session (Unix ms) and its row number. */
export interface PagePlace {
  readonly createdMs: number;
  readonly row: number;
}

/** Which live sessions to list; newest first. */
export interface PageQuery {
  readonly cid?: string | undefined;
  /** Only together with `cid`. */
  readonly uid?: string | undefined;
  readonly appId?: string | undefined;
  /** The place of the page before. */
  readonly after?: PagePlace | undefined;
  /** 1 to 500. */
  readonly limit: number;
}

export interface SessionPage {
  readonly sessions: readonly SessionSummary[];
  /** `after` of the next page; undefined when this was the last one. */
  readonly next: PagePlace | undefined;
}

/** The additions to the tables that pages need; safe to run at every opening. */
export const PAGE_INDEXES = `
CREATE INDEX IF NOT EXISTS sessions_created ON sessions (created);
CREATE INDEX IF NOT EXISTS sessions_of_collection ON sessions (cid, created);
CREATE INDEX IF NOT EXISTS sessions_of_app ON sessions (app_id, created) WHERE app_id IS NOT NULL;
`;

/** Why sessions of a revoked key have ended. */
export const KEY_REVOKED = "key_revoked";

type PageRow = RawRow & { readonly row: number };

const LIMIT_MAX = 500;
/** Rows looked at in one go: about ten milliseconds. */
const SCAN_ROWS = 10_000;

/** Statements that read, on one connection. */
export class SessionPages {
  readonly #db: Database;

  /** The tables must exist. */
  constructor(db: Database) {
    this.#db = db;
  }

  /** A page of the sessions that still count at `nowMs`. */
  list(query: PageQuery, nowMs: number): SessionPage {
    const { cid, uid, appId, after } = query;
    const limit = Math.min(Math.max(Math.trunc(query.limit), 1), LIMIT_MAX);
    const tests: (readonly [string, string | number | undefined])[] = [
      ["cid = ?", cid],
      ["uid = ?", uid],
      ["app_id = ?", appId],
    ];
    const used = tests.filter(([, value]) => value !== undefined);
    const where = [
      ...used.map(([sql]) => sql),
      ...(after === undefined ? [] : ["(created, rowid) < (?, ?)"]),
    ];
    const values = used.map(([, value]) => value ?? "");
    if (after !== undefined) values.push(after.createdMs, after.row);
    // Left to itself SQLite walks the whole collection in order rather than sort the few sessions of one record.
    const from = cid === undefined || uid === undefined ? "sessions" : "sessions INDEXED BY sessions_subject";
    const sql = `SELECT rowid AS row, ${SUMMARY_SQL} FROM ${from}
      WHERE ${[...where, LIVE_SQL, NOT_COVERED_SQL, "ends_at > ?"].join(" AND ")}
      ORDER BY created DESC, rowid DESC LIMIT ?`;
    const rows = this.#db
      .query<PageRow, (string | number)[]>(sql)
      .all(...values, Math.round(nowMs), limit + 1);
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return {
      sessions: page.map(toSessionRow),
      next: last === undefined ? undefined : { createdMs: last.created, row: last.row },
    };
  }

  /**
   * Ids of the sessions whose current token a key has signed, those ended for just that included (another process has
   * streams of them, too), from the next ten thousand rows behind a row number; `nextRow` is undefined at the end.
   */
  signedBy(kid: string, afterRow: number): { readonly ids: string[]; readonly nextRow: number | undefined } {
    const upTo = afterRow + SCAN_ROWS;
    const sql = `SELECT id FROM sessions WHERE rowid > ? AND rowid <= ? AND kid = ?
      AND (${LIVE_SQL} OR reason = '${KEY_REVOKED}')`;
    const ids = this.#db.query<{ id: string }, [number, number, string]>(sql).all(afterRow, upTo, kid);
    const last = this.#db.query<{ row: number | null }, []>("SELECT MAX(rowid) AS row FROM sessions").get();
    return { ids: ids.map(({ id }) => id), nextRow: upTo < (last?.row ?? 0) ? upTo : undefined };
  }
}
