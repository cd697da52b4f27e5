// SQL over the session tables on one connection. Every statement that changes a session says which session it
// expects to find; judging whether it may is not done here.
import type { Database, Statement } from "bun:sqlite";
import type { Rotation } from "./rotation.ts";
import { writeRotation } from "./rotationText.ts";
import {
  confirmedNumber,
  type RawRow,
  type SessionRow,
  statusNumber,
  toRawRow,
  toSessionRow,
} from "./sessionRow.ts";

/** A rotation to be stored if nobody was faster. */
export interface RotationWrite {
  readonly id: string;
  /** What the judgement was based on. */
  readonly expected: { readonly gen: number; readonly epoch: number };
  readonly next: Rotation;
  readonly genIat: number;
  readonly genExp: number;
  readonly kid: string;
  readonly lastSeenMs: number;
  readonly endsAtMs: number;
  readonly upstream?: UpstreamWrite | undefined;
}

/** A new upstream token for a session, locked. */
export interface UpstreamWrite {
  readonly upEnc: Uint8Array;
  readonly upExpMs: number;
  readonly checkedMs: number;
  readonly ttlMs: number;
}

/** Whose sessions. An empty `uid`: a whole collection; both empty: everybody. */
export interface SubjectKey {
  readonly cid: string;
  readonly uid: string;
}

/** A session on a walk through a collection; `uid` and `place` say where it stands. */
export interface WalkedSession {
  readonly id: string;
  readonly uid: string;
  readonly place: number;
  readonly checkedMs: number;
}

/** How many sessions one step of a walk reads. */
export const WALK_PAGE = 200;

/** A session in a list. */
export type SessionSummary = Omit<SessionRow, "skEnc" | "upEnc">;

// A session that was created before its subject's, its collection's or everybody's mark is dead.
// Each a look-up by the whole key: an OR within one of them would make every rotation collect rows first.
const marked = (cid: string, uid: string): string =>
  `EXISTS (SELECT 1 FROM subject WHERE cid = ${cid} AND uid = ${uid} AND not_before >= sessions.created)`;
const COVERED = `(${marked("sessions.cid", "sessions.uid")} OR ${marked("sessions.cid", "''")} OR ${marked("''", "''")})`;
/** The test that a row is neither revoked... */
export const LIVE_SQL = `status < ${statusNumber("revoked")}`;
/** ...nor ended by a not-before mark. */
export const NOT_COVERED_SQL = `NOT ${COVERED}`;
const ACTIVE = `status = ${statusNumber("active")}`;
const LIST_MAX = 1_000;

/** Statements of the session tables. The tables must exist. */
export class SessionTable {
  readonly #statements: ReturnType<typeof prepareAll>;

  constructor(db: Database) {
    this.#statements = prepareAll(db);
  }

  /** Frees the statements: a connection with open ones would linger after its close. */
  close(): void {
    for (const statement of Object.values(this.#statements)) statement.finalize();
  }

  insert(row: SessionRow): void {
    this.#statements.insert.run(...(Object.values(toRawRow(row)) as (string | number | null | Uint8Array)[]));
  }

  /** The row; dead ones included. `isCovered`: a not-before mark has ended it. */
  read(id: string): { readonly row: SessionRow; readonly isCovered: boolean } | undefined {
    const raw = this.#statements.read.get(id);
    return raw === null ? undefined : { row: toSessionRow(raw), isCovered: raw.covered === 1 };
  }

  /** Compare-and-swap: false when generation, epoch or status moved, or a not-before mark fell. */
  rotate(write: RotationWrite): boolean {
    const { next, upstream } = write;
    const result = this.#statements.rotate.run(
      ...[next.gen, write.genIat, write.genExp, write.kid, confirmedNumber(next), writeRotation(next)],
      ...[Math.round(write.lastSeenMs), Math.round(write.endsAtMs)],
      ...[
        upstream?.upEnc ?? null,
        round(upstream?.upExpMs),
        round(upstream?.checkedMs),
        round(upstream?.ttlMs),
      ],
      ...[write.id, write.expected.epoch, write.expected.gen],
    );
    return result.changes === 1;
  }

  /** Stores what was learnt about a generation (confirmation, seen devices, alternations); lost if it moved on. */
  note(id: string, rotation: Rotation): boolean {
    const values = [confirmedNumber(rotation), writeRotation(rotation), id, rotation.gen];
    return this.#statements.note.run(...values).changes === 1;
  }

  touch(id: string, seen: { readonly atMs: number; readonly ip: string; readonly endsAtMs: number }): void {
    this.#statements.touch.run(Math.round(seen.atMs), seen.ip, Math.round(seen.endsAtMs), id);
  }

  /** Replaces the upstream token of a live session; the probe that brought it counts as a check. */
  writeUpstream(id: string, { upEnc, upExpMs, checkedMs, ttlMs }: UpstreamWrite): boolean {
    return (
      this.#statements.upstream.run(upEnc, round(upExpMs), round(checkedMs), round(ttlMs), id).changes === 1
    );
  }

  writeChecked(id: string, checkedMs: number): void {
    this.#statements.checked.run(Math.round(checkedMs), id);
  }

  /** Ends a live session and wipes its secrets; false when it was not live. */
  revoke(id: string, { atMs, reason }: { readonly atMs: number; readonly reason: string }): boolean {
    return this.#statements.revoke.run(Math.round(atMs), reason, id).changes === 1;
  }

  /** Lets an active session run out at `endMs`; false when it was not active. */
  supersede(id: string, { endMs, reason }: { readonly endMs: number; readonly reason: string }): boolean {
    return this.#statements.supersede.run(Math.round(endMs), Math.round(endMs), reason, id).changes === 1;
  }

  /** Live sessions of a record, of a collection or of everybody, last seen first; at most 1 000. */
  list({ cid, uid }: SubjectKey, offset = 0): SessionSummary[] {
    const statement =
      this.#statements[cid === "" ? "listAll" : uid === "" ? "listCollection" : "listSubject"];
    const values = cid === "" ? [] : uid === "" ? [cid] : [cid, uid];
    return statement.all(...values, offset).map(toSessionRow);
  }

  /** Moves a not-before mark forward. */
  markSubject({ cid, uid }: SubjectKey, notBeforeMs: number): void {
    this.#statements.mark.run(cid, uid, Math.round(notBeforeMs));
  }

  /** The latest mark that concerns a record; 0 when there is none. */
  notBefore({ cid, uid }: SubjectKey): number {
    return this.#statements.notBefore.get(cid, uid)?.at ?? 0;
  }

  /** Marks a collection that changed. */
  markDue(cid: string, atMs: number): void {
    this.#statements.markDue.run(cid, String(Math.ceil(atMs)));
  }

  /** Every mark; at most one per collection. */
  dueMarks(): { readonly cid: string; readonly atMs: number }[] {
    return this.#statements.dueMarks.all().map(({ cid, at }) => ({ cid, atMs: Number(at) }));
  }

  /** The next 200 live sessions of a collection behind a place, in an order that no change of them disturbs. */
  walk(cid: string, { uid, place }: Pick<WalkedSession, "uid" | "place">): WalkedSession[] {
    return this.#statements.walk.all(cid, uid, place);
  }

  /** Deletes up to `limit` rows whose end has come; returns how many. */
  sweep(nowMs: number, limit: number): number {
    return this.#statements.sweep.run(Math.round(nowMs), limit).changes;
  }

  /** Takes a one-time name; false when it is taken. Kept until `expMs`. */
  takeOnce(hash: string, expMs: number): boolean {
    return this.#statements.takeOnce.run(hash, Math.round(expMs)).changes === 1;
  }

  sweepOnce(nowMs: number): void {
    this.#statements.sweepOnce.run(Math.round(nowMs));
  }

  count(): number {
    return this.#statements.count.get()?.n ?? 0;
  }
}

const round = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value));

const COLUMNS = `id, cid, uid, kind, status, epoch, gen, gen_iat, gen_exp, kid, confirmed_at, trail, ttl, sk_enc, up_enc,
  up_exp, up_checked, node, created, last_seen, abs_exp, ends_at, auth_time, amr, ua_label, ip_first, ip_last, jkt,
  app_id, revoked_at, reason`;
/** The columns of a session in a list, its secrets left out. */
export const SUMMARY_SQL = COLUMNS.replace("sk_enc, up_enc", "x'' AS sk_enc, x'' AS up_enc");

const prepareAll = (db: Database) => {
  const list = (where: string): Statement<RawRow, (string | number)[]> =>
    db.prepare(`SELECT ${SUMMARY_SQL} FROM sessions WHERE ${where} AND ${LIVE_SQL} AND ${NOT_COVERED_SQL}
      ORDER BY last_seen DESC LIMIT ${LIST_MAX} OFFSET ?`);
  return {
    insert: db.prepare(`INSERT INTO sessions (${COLUMNS}) VALUES (${"?, ".repeat(30)}?)`),
    read: db.prepare<RawRow & { covered: number }, [string]>(
      `SELECT ${COLUMNS}, ${COVERED} AS covered FROM sessions WHERE id = ?`,
    ),
    rotate:
      db.prepare(`UPDATE sessions SET gen = ?, gen_iat = ?, gen_exp = ?, kid = ?, confirmed_at = ?, trail = ?,
      last_seen = ?, ends_at = ?, up_enc = COALESCE(?, up_enc), up_exp = COALESCE(?, up_exp),
      up_checked = COALESCE(?, up_checked), ttl = COALESCE(?, ttl)
      WHERE id = ? AND ${ACTIVE} AND epoch = ? AND gen = ? AND NOT ${COVERED}`),
    note: db.prepare(
      `UPDATE sessions SET confirmed_at = ?, trail = ? WHERE id = ? AND gen = ? AND ${LIVE_SQL}`,
    ),
    touch: db.prepare(
      `UPDATE sessions SET last_seen = ?, ip_last = ?, ends_at = MIN(abs_exp, ?) WHERE id = ? AND ${ACTIVE}`,
    ),
    upstream: db.prepare(
      `UPDATE sessions SET up_enc = ?, up_exp = ?, up_checked = ?, ttl = ? WHERE id = ? AND ${LIVE_SQL}`,
    ),
    checked: db.prepare(`UPDATE sessions SET up_checked = ? WHERE id = ? AND ${LIVE_SQL}`),
    // The row stays until its last token has ended, so that this one is told "revoked" and not "unknown".
    revoke:
      db.prepare(`UPDATE sessions SET status = ${statusNumber("revoked")}, epoch = epoch + 1, revoked_at = ?,
      reason = ?, sk_enc = x'', up_enc = x'', ends_at = gen_exp * 1000 WHERE id = ? AND ${LIVE_SQL}`),
    supersede: db.prepare(`UPDATE sessions SET status = ${statusNumber("superseded")}, epoch = epoch + 1,
      abs_exp = MIN(abs_exp, ?), ends_at = MIN(ends_at, ?), reason = ? WHERE id = ? AND ${ACTIVE}`),
    listSubject: list("cid = ? AND uid = ?"),
    listCollection: list("cid = ?"),
    listAll: list("1"),
    mark: db.prepare(`INSERT INTO subject (cid, uid, not_before) VALUES (?, ?, ?)
      ON CONFLICT (cid, uid) DO UPDATE SET not_before = MAX(not_before, excluded.not_before)`),
    notBefore: db.prepare<{ at: number | null }, [string, string]>(`SELECT MAX(not_before) AS at FROM subject
      WHERE (cid = ? AND uid IN (?, '')) OR (cid = '' AND uid = '')`),
    sweep: db.prepare(
      "DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions WHERE ends_at < ? LIMIT ?)",
    ),
    markDue: db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('due.' || ?, ?)"),
    dueMarks: db.prepare<{ cid: string; at: string }, []>(
      "SELECT substr(key, 5) AS cid, value AS at FROM meta WHERE key >= 'due.' AND key < 'due/'",
    ),
    walk: db.prepare<WalkedSession, [string, string, number]>(
      `SELECT id, uid, rowid AS place, up_checked AS checkedMs FROM sessions
      WHERE cid = ? AND (uid, rowid) > (?, ?) AND ${LIVE_SQL} ORDER BY uid, rowid LIMIT ${WALK_PAGE}`,
    ),
    takeOnce: db.prepare("INSERT OR IGNORE INTO oauth_codes (hash, exp) VALUES (?, ?)"),
    sweepOnce: db.prepare("DELETE FROM oauth_codes WHERE exp < ?"),
    count: db.prepare<{ n: number }, []>(`SELECT COUNT(*) AS n FROM sessions WHERE ${LIVE_SQL}`),
  };
};
