// Security events as values and as rows of the database: their types, and what of a text may get into one.
// Conversions only; no SQL beyond the names of the columns.

/** What can happen, in the words of the OWASP logging vocabulary where it has one. */
export const EVENT_TYPES = [
  "authn_fail",
  "authz_fail",
  "session_created",
  "session_rotated",
  "session_superseded",
  "session_revoked",
  "sessions_revoked",
  "logins_due",
  "token_stale",
  "token_replay",
  "token_alternation",
  "generation_ahead",
  "vault_damaged",
  "key_rotated",
  "key_revoked",
  "secret_changed",
  "limit_hit",
  "origin_denied",
  "admin_action",
  "superuser_action",
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** One event; `session` is a public session id, never a token's `sid`. */
export interface SessionEvent {
  readonly type: EventType;
  readonly session?: string | undefined;
  readonly cid?: string | undefined;
  readonly uid?: string | undefined;
  readonly ip?: string | undefined;
  readonly label?: string | undefined;
  /** Request id. */
  readonly request?: string | undefined;
  /** Reason or number, in words of ours; cut at 200 characters, controls removed. */
  readonly detail?: string | undefined;
}

/** An event as stored. */
export interface StoredEvent extends SessionEvent {
  readonly seq: number;
  /** Unix ms. */
  readonly atMs: number;
  readonly node: number;
}

/** The row as SQLite gives it. */
export interface EventRow {
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly session: string | null;
  readonly cid: string | null;
  readonly uid: string | null;
  readonly ip: string | null;
  readonly label: string | null;
  readonly node: number;
  readonly request: string | null;
  readonly detail: string | null;
  readonly mac: Uint8Array;
}

/** The columns, in the order of a row's members. */
export const EVENT_COLUMNS = "seq, at, type, session, cid, uid, ip, label, node, request, detail, mac";

const TEXT_MAX = 200;

// Controls, line breaks and escape sequences of terminals must not reach a reader of the log.
const UNPRINTABLE = /[^\x20-\x7e\u00a0-\u02ff\u0370-\u1fff\u3040-\ud7ff]/g;

/** A text as it may be stored: short and printable. */
export const cleanText = (text: string | undefined): string | null =>
  text === undefined ? null : text.slice(0, TEXT_MAX).replace(UNPRINTABLE, "\ufffd");

/** Reads a row. */
export const toEvent = ({ at, mac: _mac, ...row }: EventRow): StoredEvent => ({
  seq: row.seq,
  atMs: at,
  type: row.type as EventType,
  node: row.node,
  session: row.session ?? undefined,
  cid: row.cid ?? undefined,
  uid: row.uid ?? undefined,
  ip: row.ip ?? undefined,
  label: row.label ?? undefined,
  request: row.request ?? undefined,
  detail: row.detail ?? undefined,
});
