// The security event log: append-only rows, each chained to the one before by a keyed hash, so that an edited,
// deleted or inserted row shows. Also the way by which processes on one file hear of each other's changes.
import type { Database, Statement } from "bun:sqlite";
import { createHmac } from "node:crypto";
import { cleanText, EVENT_COLUMNS, type EventRow, type SessionEvent } from "./eventRow.ts";

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

const CHECK_CHUNK = 500;
const TRIM_EVERY = 1_000;
const PRUNE_MAX = 5_000;
const GENESIS: ChainHead = { seq: 0, mac: "" };

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
    this.#insert = db.prepare(
      `INSERT INTO events (${EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
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
    const texts = [event.session, event.cid, event.uid, event.ip, event.label].map(cleanText);
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
      request: cleanText(event.request),
      detail: cleanText(event.detail),
    };
    const mac = this.#chain(head.mac, row);
    this.#insert.run(...Object.values(row), Buffer.from(mac, "hex"));
    return { seq: row.seq, mac };
  }

  /** Records the end of the chain, so that rows missing at the end show as well. */
  writeHead(head: ChainHead): void {
    this.#writeMark("events_head", head);
  }

  /** Walks the whole chain in pieces, giving way to other work between them. O(events), about 5 us each. */
  async check(): Promise<ChainCheck> {
    for (;;) {
      const { seq: base } = this.#readMark("events_base");
      const outcome = await this.#walk();
      // The oldest events may have been deleted, rightly, while the walk was among them.
      if (outcome.ok || this.#readMark("events_base").seq === base) return outcome;
    }
  }

  async #walk(): Promise<ChainCheck> {
    const head = this.head();
    let at = this.#readMark("events_base");
    const first = at.seq;
    const sql = `SELECT ${EVENT_COLUMNS} FROM events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${CHECK_CHUNK}`;
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

  /**
   * Keeps the log to about `rowsMax` events; inside a transaction, which has moved the head from `before`. Looks once
   * in a thousand events and deletes a few thousand at most.
   */
  trim(rowsMax: number, { seq }: ChainHead, before: ChainHead): void {
    if (Math.floor(seq / TRIM_EVERY) === Math.floor(before.seq / TRIM_EVERY)) return;
    const base = this.#readMark("events_base").seq;
    const excess = seq - base - rowsMax;
    if (excess > 0) this.#prune(base + Math.min(excess, PRUNE_MAX));
  }

  /** Deletes up to a few thousand events older than that; inside a transaction. True when there may be more. */
  pruneBefore(atMs: number): boolean {
    const sql = `SELECT MAX(seq) AS seq, COUNT(*) AS n
      FROM (SELECT seq, at FROM events ORDER BY seq LIMIT ${PRUNE_MAX}) WHERE at < ?`;
    const found = this.#db.query<{ seq: number | null; n: number }, [number]>(sql).get(Math.round(atMs));
    if (found === null || found.seq === null) return false;
    this.#prune(found.seq);
    return found.n === PRUNE_MAX;
  }

  // Records where the chain now begins; a gap that was there before stays one.
  #prune(upToSeq: number): void {
    const sql = "SELECT seq, mac FROM events WHERE seq <= ? ORDER BY seq DESC LIMIT 1";
    const last = this.#db.query<{ seq: number; mac: Uint8Array }, [number]>(sql).get(upToSeq);
    if (last === null) return;
    this.#db.query("DELETE FROM events WHERE seq <= ?").run(last.seq);
    this.#writeMark("events_base", { seq: last.seq, mac: Buffer.from(last.mac).toString("hex") });
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
