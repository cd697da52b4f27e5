// Reads the event log: the newest first, filtered, a page at a time. Writes nothing and checks no chain.
import type { Database } from "bun:sqlite";
import { EVENT_COLUMNS, type EventRow, type EventType, type StoredEvent, toEvent } from "./eventRow.ts";

/** Which events to list; newest first. */
export interface EventQuery {
  readonly cid?: string | undefined;
  readonly uid?: string | undefined;
  readonly session?: string | undefined;
  readonly type?: EventType | undefined;
  /** Unix ms; the first moment that counts. */
  readonly fromMs?: number | undefined;
  /** Unix ms; the first moment that no longer counts. */
  readonly toMs?: number | undefined;
  /** Only events before this number: the next page. */
  readonly beforeSeq?: number | undefined;
  /** 1 to 500; 100 if not given. */
  readonly limit?: number | undefined;
}

/** One page of a search. */
export interface EventPage {
  readonly events: readonly StoredEvent[];
  /** `beforeSeq` of the next page; undefined when this was the last one. */
  readonly next: number | undefined;
}

const LIST_MAX = 500;
/** Rows looked at in one go: a few milliseconds. */
const SEARCH_ROWS = 10_000;
const EQUAL = ["cid", "uid", "session", "type"] as const;

/** Statements that read, on one connection. */
export class EventReader {
  readonly #db: Database;

  /** The tables must exist. */
  constructor(db: Database) {
    this.#db = db;
  }

  /** Events after a number, oldest first; at most 500. */
  since(seq: number): StoredEvent[] {
    const sql = `SELECT ${EVENT_COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ${LIST_MAX}`;
    return this.#db.query<EventRow, [number]>(sql).all(seq).map(toEvent);
  }

  /** The newest that fit. Looks at every row when few do: {@link search} is kinder to a long log. */
  list(query: EventQuery): StoredEvent[] {
    return this.#listAfter(query, 0);
  }

  /** The same, giving way to other work between pieces of the log; ends early, with a page, when `signal` aborts. */
  async search(query: EventQuery, signal?: AbortSignal): Promise<EventPage> {
    const [first, last] = this.#ends();
    const limit = toLimit(query.limit);
    const events: StoredEvent[] = [];
    let beforeSeq = Math.min(query.beforeSeq ?? last + 1, last + 1);
    while (beforeSeq > first) {
      const afterSeq = Math.max(beforeSeq - SEARCH_ROWS, first) - 1;
      events.push(...this.#listAfter({ ...query, beforeSeq, limit: limit - events.length }, afterSeq));
      const end = events.at(-1);
      if (events.length >= limit && end !== undefined) return { events, next: nextOf(end.seq, first) };
      beforeSeq = afterSeq + 1;
      if (signal?.aborted === true) return { events, next: nextOf(beforeSeq, first) };
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { events, next: undefined };
  }

  #listAfter(query: EventQuery, afterSeq: number): StoredEvent[] {
    const { beforeSeq = Number.MAX_SAFE_INTEGER, fromMs, toMs } = query;
    const equal = EQUAL.filter((name) => query[name] !== undefined);
    const where = ["seq > ?", "seq < ?", ...equal.map((name) => `${name} = ?`)];
    const values: (string | number)[] = [afterSeq, beforeSeq, ...equal.map((name) => query[name] ?? "")];
    for (const [test, ms] of [
      ["at >= ?", fromMs],
      ["at < ?", toMs],
    ] as const) {
      if (ms === undefined) continue;
      where.push(test);
      values.push(ms);
    }
    const sql = `SELECT ${EVENT_COLUMNS} FROM events WHERE ${where.join(" AND ")}
      ORDER BY seq DESC LIMIT ?`;
    return this.#db
      .query<EventRow, (string | number)[]>(sql)
      .all(...values, toLimit(query.limit))
      .map(toEvent);
  }

  // Two queries: SQLite answers each of them from one end of the table.
  #ends(): readonly [number, number] {
    const read = (sql: string): number => this.#db.query<{ seq: number | null }, []>(sql).get()?.seq ?? 0;
    return [read("SELECT MIN(seq) AS seq FROM events"), read("SELECT MAX(seq) AS seq FROM events")];
  }
}

const toLimit = (limit = 100): number => Math.min(Math.max(Math.trunc(limit), 1), LIST_MAX);

const nextOf = (seq: number, first: number): number | undefined => (seq > first ? seq : undefined);
