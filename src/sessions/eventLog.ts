// The security event log: append-only rows, each chained to the one before by a keyed hash, so that an edited,
// deleted or inserted row shows. Also the way by which processes on one file hear of each other's changes.
import type { Database, Statement } from "bun:sqlite";
import { createHmac } from "node:crypto";

/** What can happen, in the words of the OWASP logging vocabulary where it has one. */
export type EventType =
  | "authn_success"
  | "authn_fail"
  | "session_created"
  | "session_rotated"
  | "session_superseded"
  | "session_revoked"
  | "sessions_revoked"
  | "logins_due"
  | "token_stale"
  | "token_replay"
  | "token_alternation"
  | "generation_ahead"
  | "vault_damaged"
  | "key_rotated"
  | "key_revoked"
  | "secret_changed"
  | "limit_hit"
  | "origin_denied"
  | "admin_action";

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

/** Which events to list; newest first. */
export interface EventQuery {
  readonly cid?: string;
  readonly uid?: string;
  readonly session?: string;
  readonly type?: EventType;
  /** Only events before this number: the next page. */
  readonly beforeSeq?: number;
  /** 1 to 500. */
  readonly limit?: number;
}

/** The end of the chain. */
export interface ChainHead {
  readonly seq: number;
  /** 16 bytes as hex. */
  readonly mac: string;
}

/** Outcome of a check: the first row that does not fit (`seq`), or how many did. */
export type ChainCheck =
  | { readonly ok: true; readonly events: number }
  | { readonly ok: false; readonly seq: number };

interface EventRow {
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

const TEXT_MAX = 200;
const LIST_MAX = 500;
const CHECK_CHUNK = 2_000;
const GENESIS: ChainHead = { seq: 0, mac: "" };
const COLUMNS = "seq, at, type, session, cid, uid, ip, label, node, request, detail, mac";

/** Statements of the log on one connection. `key` signs the chain. */
export class EventLog {
  readonly #db: Database;
  readonly #key: Buffer;
  readonly #node: number;
  readonly #insert: Statement;

  /** The tables must exist. */
  constructor(db: Database, { key, node }: { readonly key: Buffer; readonly node: number }) {
    this.#db = db;
    this.#key = key;
    this.#node = node;
    this.#insert = db.prepare(`INSERT INTO events (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  }

  /** Frees what a connection must not hold when it closes. */
  close(): void {
    this.#insert.finalize();
  }

  /** The end of the chain as recorded. */
  head(): ChainHead {
    return this.#readMark("events_head");
  }

  /** Adds an event after `head`; to be called inside a transaction. Returns the new head. */
  append(event: SessionEvent, atMs: number, head: ChainHead): ChainHead {
    const texts = [event.session, event.cid, event.uid, event.ip, event.label].map(clean);
    const [session = null, cid = null, uid = null, ip = null, label = null] = texts;
    const row = {
      seq: head.seq + 1,
      at: Math.round(atMs),
      type: event.type,
      session,
      cid,
      uid,
      ip,
      label,
      node: this.#node,
      request: clean(event.request),
      detail: clean(event.detail),
    };
    const mac = this.#chain(head.mac, row);
    this.#insert.run(...Object.values(row), Buffer.from(mac, "hex"));
    return { seq: row.seq, mac };
  }

  /** Records the end of the chain, so that rows missing at the end show as well. */
  writeHead(head: ChainHead): void {
    this.#writeMark("events_head", head);
  }

  /** Events after a number, oldest first; at most 500. */
  since(seq: number): StoredEvent[] {
    const sql = `SELECT ${COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ${LIST_MAX}`;
    return this.#db.query<EventRow, [number]>(sql).all(seq).map(toEvent);
  }

  list(query: EventQuery): StoredEvent[] {
    const { beforeSeq = Number.MAX_SAFE_INTEGER, limit = 100 } = query;
    const wanted = (["cid", "uid", "session", "type"] as const).filter((name) => query[name] !== undefined);
    const where = ["seq < ?", ...wanted.map((name) => `${name} = ?`)].join(" AND ");
    const values = [beforeSeq, ...wanted.map((name) => query[name] ?? "")];
    const count = Math.min(Math.max(Math.trunc(limit), 1), LIST_MAX);
    const sql = `SELECT ${COLUMNS} FROM events WHERE ${where} ORDER BY seq DESC LIMIT ${count}`;
    return this.#db
      .query<EventRow, (string | number)[]>(sql)
      .all(...values)
      .map(toEvent);
  }

  /** Walks the whole chain in pieces, giving way to other work between them. O(events). */
  async check(): Promise<ChainCheck> {
    const head = this.head();
    let at = this.#readMark("events_base");
    const first = at.seq;
    const sql = `SELECT ${COLUMNS} FROM events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${CHECK_CHUNK}`;
    const read = this.#db.query<EventRow, [number, number]>(sql);
    while (at.seq < head.seq) {
      const rows = read.all(at.seq, head.seq);
      if (rows.length === 0) return { ok: false, seq: at.seq + 1 };
      for (const { mac, ...row } of rows) {
        const expected = this.#chain(at.mac, row);
        if (row.seq !== at.seq + 1 || expected !== Buffer.from(mac).toString("hex")) {
          return { ok: false, seq: at.seq + 1 };
        }
        at = { seq: row.seq, mac: expected };
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return at.mac === head.mac ? { ok: true, events: head.seq - first } : { ok: false, seq: head.seq };
  }

  /** Deletes events up to a number and records where the chain now begins; inside a transaction. */
  prune(upToSeq: number): void {
    const last = this.#db
      .query<{ mac: Uint8Array }, [number]>("SELECT mac FROM events WHERE seq = ?")
      .get(upToSeq);
    if (last === null) return;
    this.#db.query("DELETE FROM events WHERE seq <= ?").run(upToSeq);
    this.#writeMark("events_base", { seq: upToSeq, mac: Buffer.from(last.mac).toString("hex") });
  }

  #chain(before: string, row: Omit<EventRow, "mac">): string {
    const { seq, at, type, session, cid, uid, ip, label, node, request, detail } = row;
    const text = JSON.stringify([before, seq, at, type, session, cid, uid, ip, label, node, request, detail]);
    return createHmac("sha256", this.#key).update(text).digest("hex").slice(0, 32);
  }

  #readMark(name: string): ChainHead {
    const found = this.#db
      .query<{ value: string }, [string]>("SELECT value FROM meta WHERE key = ?")
      .get(name);
    if (found === null) return GENESIS;
    const [seq = "", mac = "", seal = ""] = found.value.split(".");
    // A forged mark must not hide anything: an impossible head makes the check fail at its number.
    return seal === this.#seal(name, Number(seq), mac)
      ? { seq: Number(seq), mac }
      : { seq: Number(seq), mac: "forged" };
  }

  #writeMark(name: string, { seq, mac }: ChainHead): void {
    const value = `${seq}.${mac}.${this.#seal(name, seq, mac)}`;
    this.#db.query("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)").run(name, value);
  }

  #seal(name: string, seq: number, mac: string): string {
    return createHmac("sha256", this.#key).update(`${name}|${seq}|${mac}`).digest("hex");
  }
}

// Controls, line breaks and escape sequences of terminals must not reach a reader of the log.
const UNPRINTABLE = /[^\x20-\x7e\u00a0-\u02ff\u0370-\u1fff\u3040-\ud7ff]/g;

const clean = (text: string | undefined): string | null =>
  text === undefined ? null : text.slice(0, TEXT_MAX).replace(UNPRINTABLE, "\ufffd");

const toEvent = ({ at, mac: _mac, ...row }: EventRow): StoredEvent => ({
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
